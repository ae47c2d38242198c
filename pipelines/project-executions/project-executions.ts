/**
 * freshet.tasks and freshet.agent-events → job states, results and costs: the projection's main loop. A member of the
 * group `freshet.project-executions`; each partition is projected in order, committed after the acknowledgement, and
 * begun again where its oldest unfinished execution stands, silently up to what was projected before.
 */
import { type GroupReader, openGroupReader } from '../../connectors/kafka/group-reader.ts';
import type {
  KafkaClient,
  KafkaRecord,
  RecordToAppend,
  TopicPartition,
} from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { openPayloadReader } from '../../connectors/payloads/payload-reader.ts';
import { wholeEnds } from '../../connectors/payloads/whole-ends.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { unreadableReason } from '../../connectors/registry/unreadable-reason.ts';
import { type Clock, systemClock } from '../../schemas/clock.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { type DeadLetterReason, deadLetterOf } from '../../schemas/dead-letters.ts';
import { type FreshetError, hasCode, isUnreadable, toError } from '../../schemas/errors.ts';
import { isSnapshot } from '../../schemas/execution-snapshot.ts';
import { PROJECTION_GROUP } from '../../schemas/groups.ts';
import { commitMetadataOf } from '../../schemas/journal-position.ts';
import type { AgentEvent, RecordName, Records } from '../../schemas/records.ts';
import { isGapless, TOPICS } from '../../schemas/topics.ts';
import { parseTraceparent, TRACEPARENT } from '../../schemas/trace-context.ts';
import { type BatchQueue, createBatchQueue } from '../batch-queue.ts';
import { ofAtMost } from '../batch-size.ts';
import { RECORD_BOUNDS } from '../record-bounds.ts';
import { createPartitionProjection, type PartitionProjection } from './partition-projection.ts';
import { type Projected, pendingState } from './projected-execution.ts';
import { type ProjectionStart, projectionStartOf } from './projection-start.ts';

export interface ExecutionProjectionSettings {
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  readonly clock?: Clock;
  readonly log?: (level: 'warn' | 'error', message: string, details?: unknown) => void;
  readonly onEvent?: (event: ExecutionProjectionEvent) => void;
  /** The projection cannot go on without a person. */
  readonly onFailure?: (error: FreshetError) => void;
}

export type ExecutionProjectionEvent =
  | { readonly name: 'projected'; readonly record: Projected['name']; readonly count: number }
  | ResultSent
  | { readonly name: 'dead-lettered'; readonly topic: string; readonly reason: DeadLetterReason }
  | { readonly name: 'retry'; readonly partition: number; readonly attempt: number };

/** A result stands in its topic. Its fields are ids and places, for spans; none is a label. */
export interface ResultSent {
  readonly name: 'result-sent';
  /** Of the execution; undefined where its journal carries none. */
  readonly traceparent: string | undefined;
  readonly taskId: string;
  readonly executionId: string;
  readonly topic: string;
  readonly partition: number;
  /** NaN where the broker did not say it. */
  readonly offset: number;
  /** Of the append, microseconds since the Unix epoch. */
  readonly begunAt: number;
  readonly endedAt: number;
}

export interface ExecutionProjection {
  /** Records read and not yet projected. */
  waiting(): number;
  stop(): Promise<void>;
}

interface OwnedPartition {
  readonly partition: number;
  readonly projection: PartitionProjection;
  readonly queue: BatchQueue<KafkaRecord>;
  /** Everything below is projected already: read again for what it says of unfinished executions. */
  readonly projectedTo: number;
  /** More would wait than memory is given for. */
  full: boolean;
  events: number;
  tasks: number;
  committed: string;
}

const TASKS = TOPICS.tasks.name;
const EVENTS = TOPICS.agentEvents.name;
const SOURCE = 'freshet/project-executions';
const MAX_BATCH = 500;
const HIGH_WATER = 5_000;
const COMMIT_MS = 500;
const TOPIC_OF = {
  TaskState: TOPICS.taskStates.name,
  Result: TOPICS.results.name,
  Cost: TOPICS.costs.name,
} as const satisfies Record<Projected['name'], string>;

/** The journal's is the execution's; that of a task, which may be its sender's, stands in where the journal is not read yet. */
const keepTrace = (
  traces: Map<string, string>,
  executionId: string,
  { topic, headers }: KafkaRecord,
): void => {
  const traceparent = headers[TRACEPARENT]?.toString('latin1');
  if (traceparent === undefined || !parseTraceparent(traceparent)) return;
  if (topic === EVENTS || !traces.has(executionId)) traces.set(executionId, traceparent);
};

const keyOf = (projected: Projected): string =>
  projected.name === 'Cost' ? projected.record.costId : projected.record.taskId;

/** Of the journal event it was made from, so that writing it again writes the same. */
const timeOf = (projected: Projected): number => {
  switch (projected.name) {
    case 'Cost':
      return projected.record.at;
    case 'Result':
      return projected.record.completedAt;
    case 'TaskState':
      return projected.record.updatedAt;
    default:
      return projected satisfies never;
  }
};

/** Resolves once the group is joined. Errors: `kafka-unavailable`. */
export const startExecutionProjection = async (
  settings: ExecutionProjectionSettings,
): Promise<ExecutionProjection> => {
  const { kafka, codec, writer } = settings;
  const payloads = openPayloadReader(kafka, codec);
  const clock = settings.clock ?? systemClock;
  const log = settings.log ?? (() => undefined);
  const onEvent = settings.onEvent ?? (() => undefined);
  const owned = new Map<number, OwnedPartition>();
  let reader: GroupReader | undefined;

  const assign = async (partitions: readonly TopicPartition[]) => {
    const fresh = [...new Set(partitions.map((each) => each.partition))];
    const tasks = await kafka.admin.committed(PROJECTION_GROUP, TASKS);
    const events = await kafka.admin.committed(PROJECTION_GROUP, EVENTS);
    const ends = new Map((await kafka.admin.offsets(EVENTS)).map((each) => [each.partition, each]));
    return fresh.map((partition) => {
      const start = projectionStartOf(
        ends.get(partition) ?? { earliest: 0, latest: 0 },
        events.get(partition),
      );
      owned.get(partition)?.queue.abandon();
      const opened = openPartition(partition, start, tasks.get(partition)?.offset ?? 0);
      owned.set(partition, opened);
      holdBack(opened);
      return { topic: EVENTS, partition, offset: start.from };
    });
  };

  const openPartition = (
    partition: number,
    { from, projectedTo }: ProjectionStart,
    tasks: number,
  ): OwnedPartition => {
    const setFull = (full: boolean): void => {
      opened.full = full;
      holdBack(opened);
    };
    const opened: OwnedPartition = {
      partition,
      projection: createPartitionProjection(from, projectedTo),
      queue: createBatchQueue<KafkaRecord>({
        batch: ofAtMost(MAX_BATCH),
        highWater: HIGH_WATER,
        ...RECORD_BOUNDS,
        process: (batch, signal) => projectBatch(opened, batch, signal),
        onFull: () => setFull(true),
        onDrained: () => setFull(false),
        onRetry: (error, attempt) => {
          log('warn', `projecting partition ${partition}: ${error.message}; trying again`);
          onEvent({ name: 'retry', partition, attempt });
        },
      }),
      projectedTo,
      full: false,
      events: from,
      tasks,
      committed: '',
    };
    return opened;
  };

  const decode = async <Name extends RecordName>(
    name: Name,
    record: KafkaRecord,
  ): Promise<Records[Name] | undefined> => {
    try {
      return await codec.decode(name, record.value);
    } catch (error) {
      if (isUnreadable(error)) return undefined;
      throw error;
    }
  };

  const toAppend = (projected: Projected, traceparent: string | undefined): RecordToAppend => ({
    topic: TOPIC_OF[projected.name],
    key: keyOf(projected),
    value: codec.encode(projected.name, projected.record),
    headers: {
      ...cloudEventHeaders({
        id: keyOf(projected),
        type: `freshet.${TOPIC_OF[projected.name].slice('freshet.'.length, -1)}`,
        source: SOURCE,
        at: timeOf(projected),
      }),
      ...(traceparent === undefined ? {} : { [TRACEPARENT]: traceparent }),
    },
  });

  const projectBatch = async (
    partition: OwnedPartition,
    batch: readonly KafkaRecord[],
    signal: AbortSignal,
  ): Promise<void> => {
    const { projection, projectedTo } = partition;
    const journal = batch.filter((record) => record.topic === EVENTS);
    const events: { event: AgentEvent; offset: number }[] = [];
    /** By execution: what is made of an event stands in the trace that it stands in. */
    const traces = new Map<string, string>();
    const unread: KafkaRecord[] = [];
    for (const record of journal) {
      const event = await decode('AgentEvent', record);
      if (event) {
        events.push({ event: await wholeOf(event, record.offset < projectedTo), offset: record.offset });
        keepTrace(traces, event.executionId, record);
      } else if (record.offset >= projectedTo) unread.push(record);
    }
    const known = projection.plan(events.filter(({ offset }) => offset < projectedTo));
    projection.keep(known);
    const plan = projection.plan(events.filter(({ offset }) => offset >= projectedTo));
    // A task that was seen in the journal is past pending, whichever topic was read first.
    const pending: Projected[] = [];
    for (const record of batch.filter((each) => each.topic === TASKS)) {
      const task = await decode('Task', record);
      if (!task) continue;
      const state = pendingState(task, record);
      if (projection.isPastPending(state.executionId, plan)) continue;
      pending.push({ name: 'TaskState', record: state });
      keepTrace(traces, state.executionId, record);
    }
    if (signal.aborted) return;
    const projected = [...pending, ...plan.records];
    const traceOf = ({ record }: Projected): string | undefined => traces.get(record.executionId);
    const begunAt = clock();
    const places = await writer.append([
      ...projected.map((each) => toAppend(each, traceOf(each))),
      ...unread.map(deadLetter),
    ]);
    projection.keep(plan);
    for (const record of batch) {
      if (record.topic === EVENTS) partition.events = record.offset + 1;
      else partition.tasks = record.offset + 1;
    }
    holdBack(partition);
    report(projected);
    for (const { topic, value } of unread)
      onEvent({ name: 'dead-lettered', topic, reason: unreadableReason(value) });
    for (const [at, { name, record }] of projected.entries()) {
      if (name !== 'Result') continue;
      const { taskId, executionId } = record;
      const { partition: to = -1, offset = Number.NaN } = places[at] ?? {};
      onEvent({
        ...{ name: 'result-sent', traceparent: traces.get(executionId), taskId, executionId },
        ...{ topic: TOPIC_OF.Result, partition: to, offset, begunAt, endedAt: clock() },
      });
    }
  };

  /** Of what is known already, a snapshot says nothing new. */
  const wholeOf = async (event: AgentEvent, restoring: boolean): Promise<AgentEvent> => {
    if (!isSnapshot(event)) return wholeEnds(event, payloads);
    if (!restoring) return event;
    return payloads.whole(event).catch((error) => {
      // Who held it is known without its state.
      if (hasCode(error, 'payload-lost')) return event;
      throw error;
    });
  };

  const deadLetter = (record: KafkaRecord): RecordToAppend => {
    const { key, letter } = deadLetterOf(record, {
      stage: 'receiving',
      reason: unreadableReason(record.value),
      message: 'not a readable AgentEvent',
      at: clock(),
    });
    return {
      topic: TOPICS.deadLetters.name,
      key,
      value: codec.encode('DeadLetter', letter),
      headers: cloudEventHeaders({ id: key, type: 'freshet.dead-letter', source: SOURCE, at: letter.at }),
    };
  };

  const report = (projected: readonly Projected[]): void => {
    for (const record of ['TaskState', 'Result', 'Cost'] as const) {
      const count = projected.filter(({ name }) => name === record).length;
      if (count > 0) onEvent({ name: 'projected', record, count });
    }
  };

  /** Whether a task is past pending is known only when the journal is read to where it was projected before: until then none is read. */
  const holdBack = (each: OwnedPartition): void => {
    const { partition, full, events, projectedTo } = each;
    if (owned.get(partition) !== each) return;
    for (const topic of [TASKS, EVENTS]) {
      const waits = full || (topic === TASKS && events < projectedTo);
      if (waits) reader?.pause({ topic, partition });
      else reader?.resume({ topic, partition });
    }
  };

  const commit = async (): Promise<void> => {
    const due = [...owned].flatMap(([partition, each]) => {
      const { events, tasks, projection } = each;
      if (events < each.projectedTo) return [];
      projection.forget(tasks);
      const metadata = commitMetadataOf(projection.pinnedAt(tasks, events));
      const text = `${events} ${tasks} ${metadata}`;
      return each.committed === text ? [] : [{ partition, each, events, tasks, metadata, text }];
    });
    if (due.length === 0) return;
    try {
      await reader?.commit(
        due.flatMap(({ partition, events, tasks, metadata }) => [
          { topic: EVENTS, partition, offset: events, metadata },
          ...(tasks > 0 ? [{ topic: TASKS, partition, offset: tasks }] : []),
        ]),
      );
      for (const { each, text } of due) each.committed = text;
    } catch (error) {
      log('warn', `committing: ${toError(error).message}; the next commit says it again`);
    }
  };

  reader = await openGroupReader(
    kafka,
    { groupId: PROJECTION_GROUP, topics: [TASKS, EVENTS], gapless: isGapless },
    {
      onAssigned: assign,
      onRevoked: (partitions) => {
        for (const { partition } of partitions) {
          owned.get(partition)?.queue.abandon();
          owned.delete(partition);
        }
      },
      onBatch: ({ partition, records }) => owned.get(partition)?.queue.push(records),
      onFailure: (error) => {
        log('error', error.message, error);
        settings.onFailure?.(error);
      },
    },
  );
  let committing = Promise.resolve();
  const timer = setInterval(() => {
    committing = committing.then(commit);
  }, COMMIT_MS);

  return {
    waiting: () => [...owned.values()].reduce((sum, { queue }) => sum + queue.waiting(), 0),
    stop: async () => {
      clearInterval(timer);
      await Promise.all([...owned.values()].map(({ queue }) => queue.stop()));
      await committing;
      await commit();
      await reader?.close();
      await payloads.close();
    },
  };
};
