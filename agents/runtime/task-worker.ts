/**
 * The agents' role: takes tasks from freshet.tasks, runs each as an execution in journaled steps, and commits what is
 * finished. A member of the group `freshet.agents`; who owns a partition of tasks owns its journal.
 *
 * Terms: a partition is *owned* from assignment to revocation; a task is *taken on* when it is read, *running* while
 * its execution holds one of the pool's places, *finished* when its terminal event stands in the journal.
 */

import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type GroupReader, openGroupReader } from '../../connectors/kafka/group-reader.ts';
import type { KafkaClient, KafkaRecord, TopicPartition } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { createPayloadCache } from '../../connectors/payloads/payload-cache.ts';
import { openPayloadReader } from '../../connectors/payloads/payload-reader.ts';
import { openPayloadWriter } from '../../connectors/payloads/payload-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { type Clock, oldestOf, systemClock } from '../../schemas/clock.ts';
import { cloudEventHeaders } from '../../schemas/cloud-event.ts';
import { type DeadLetterReason, deadLetterOf } from '../../schemas/dead-letters.ts';
import { type FreshetError, toError } from '../../schemas/errors.ts';
import { AGENTS_GROUP } from '../../schemas/groups.ts';
import { journalOffsetOf } from '../../schemas/journal-position.ts';
import type { Rollout } from '../../schemas/rollout.ts';
import type { Retriever } from '../../schemas/search.ts';
import { isGapless, TOPICS } from '../../schemas/topics.ts';
import { bindBehaviours } from '../behaviours/bind-behaviour.ts';
import { createEphemeralMemory } from '../memory/ephemeral-memory.ts';
import { readRecordedExecution } from '../replay/recorded-execution.ts';
import type { ResultCache } from '../tools/result-cache.ts';
import { begunUnder } from './begun-under.ts';
import { type CallGuards, UNGUARDED } from './call-guards.ts';
import { capabilitiesOf, checkAgents, checkModels } from './check-agents.ts';
import { type ExecutionControls, SILENT } from './execution-controls.ts';
import { type ExecutionMemory, FORGETFUL } from './execution-memory.ts';
import { createLandedCosts } from './landed-costs.ts';
import { type OwnedPartition, openOwnedPartition } from './owned-partition.ts';
import { openPartitionJournal } from './partition-journal.ts';
import { identityOf, inputOf, type QueuedTask, routedOf } from './queued-task.ts';
import { runTask, type TaskServices } from './run-task.ts';
import type { OnRuntimeEvent } from './runtime-event.ts';
import { openSubtasks } from './subtasks.ts';
import { openTaskChunks } from './task-chunks.ts';
import { DEFAULT_WAIT_LIMITS, type WaitLimits } from './wait-state.ts';
import { createWorkerPool, type PoolPlace } from './worker-pool.ts';

export interface TaskWorkerSettings {
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  readonly retriever: Retriever;
  /** In order of fallback. */
  readonly models: readonly LanguageModel[];
  readonly agents: readonly AgentDefinition[];
  /** Further versions of them: run where a rollout says so, and for what was begun under them. */
  readonly behaviours?: readonly AgentDefinition[];
  /** The last rollout of an agent; none where left out. */
  readonly rolloutOf?: (agent: string) => Rollout | undefined;
  /** What people and switches say of executions; nothing is heard where left out. */
  readonly control?: ExecutionControls;
  readonly memory?: ExecutionMemory;
  /** Breakers and the day's money; none where left out. */
  readonly guards?: CallGuards;
  /** Results of read tools, for those that may be given again. */
  readonly results?: ResultCache;
  /** What whoever sent a task may have tools do; everything where left out. */
  readonly capabilitiesOf?: (principal: string | null) => readonly string[];
  readonly workerName: string;
  /** Executions at once. */
  readonly concurrency: number;
  /** Whose documents a task without a tenant sees; none where left out. */
  readonly localTenant?: string;
  /** Of the configured sources, for tools. */
  readonly sourceUrls?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly log?: (level: 'warn' | 'error', message: string, details?: unknown) => void;
  readonly onEvent?: OnRuntimeEvent;
  /** Of tasks that come without a trace, how many are to be sampled; 1 where left out. */
  readonly sampleRatio?: number;
  /** A partition is taken over, and its journal read from an offset on. */
  readonly onOwned?: (partition: number, from: number) => void;
  /** The worker cannot go on without a person. */
  readonly onFailure?: (error: FreshetError) => void;
  /** When what waits is journaled whole, where other than by default. */
  readonly waits?: Partial<WaitLimits>;
  /** Tasks of a partition between the first that holds back its commit and the last that is taken on. */
  readonly maxSpan?: number;
  /** For tests: how long a member may be silent, milliseconds. */
  readonly sessionTimeoutMs?: number;
  /** For tests: how long a task that ended is known for what it is after a restart, milliseconds. */
  readonly duplicateWindowMs?: number;
}

export interface TaskWorker {
  /** Takes no new tasks, waits so long for those that act, hands over the rest, leaves the group. */
  stop(graceMs: number): Promise<void>;
  stats(): WorkerStats;
}

export interface WorkerStats {
  readonly running: number;
  /** Taken on, and neither finished nor journaled whole while they wait; running ones included. */
  readonly open: number;
  /** When the oldest task that could start and has no place came to Kafka, milliseconds since the Unix epoch. */
  readonly oldest: number | undefined;
  /** It has partitions, and knows of each what waits there. */
  readonly current: boolean;
  readonly partitions: readonly number[];
}

const COMMIT_MS = 500;
const STARTS_IN_A_TURN = 50;
const DUPLICATE_WINDOW_MS = 10 * 60_000;
const MAX_SPAN = 20_000;
const TASKS = TOPICS.tasks.name;
const EVENTS = TOPICS.agentEvents.name;

/** Resolves once the group is joined. Errors: `config-invalid`, `kafka-unavailable`. */
export const startTaskWorker = async (settings: TaskWorkerSettings): Promise<TaskWorker> => {
  const { kafka, codec, writer, concurrency, maxSpan = MAX_SPAN } = settings;
  const limits = { ...DEFAULT_WAIT_LIMITS, ...settings.waits };
  const windowMs = settings.duplicateWindowMs ?? DUPLICATE_WINDOW_MS;
  const clock = settings.clock ?? systemClock;
  const log = settings.log ?? (() => undefined);
  const onEvent = settings.onEvent ?? (() => undefined);
  const { behaviours = [], rolloutOf = () => undefined } = settings;
  const agents = checkAgents(settings.agents);
  const bind = bindBehaviours({
    ...{ agents, behaviours, rolloutOf },
    onMissing: ({ agent, candidate }, running) =>
      log(
        'warn',
        `a rollout of ${agent} names version ${candidate}, which this worker's configuration does not hold: its tasks run under ${running}; add it under \`behaviours\``,
      ),
  });
  checkModels(settings.models);
  // One cache: what this worker wrote it need not read.
  const cache = createPayloadCache();
  const setAside = openPayloadWriter({ kafka, codec, cache });
  const payloads = openPayloadReader(kafka, codec, cache);
  const highWater = Math.max(64, 2 * concurrency);
  const owned = new Map<number, OwnedPartition>();
  const committed = new Map<number, string>();
  const stopping = new AbortController();
  let draining = false;
  let turn = 0;
  let pumpsSoon = false;
  let reader: GroupReader | undefined;

  // Assignment: the journal is read from where the commit says, and tasks wait until it is read to its end.
  const assign = async (partitions: readonly TopicPartition[]) => {
    const fresh = [...new Set(partitions.map((each) => each.partition))];
    const commits = await kafka.admin.committed(AGENTS_GROUP, TASKS);
    const ends = new Map((await kafka.admin.offsets(EVENTS)).map((each) => [each.partition, each]));
    const tasks = new Map((await kafka.admin.offsets(TASKS)).map((each) => [each.partition, each]));
    const window = await kafka.admin.offsetsAt(EVENTS, Math.floor(clock() / 1_000) - windowMs);
    return fresh.map((partition) => {
      const { earliest, latest } = ends.get(partition) ?? { earliest: 0, latest: 0 };
      const pinned = journalOffsetOf(commits.get(partition)?.metadata) ?? earliest;
      const wanted = Math.max(earliest, Math.min(pinned, window.get(partition) ?? pinned));
      // Past the end the journal was made anew or restored: the reader then stops and says so.
      const from = pinned > latest ? pinned : wanted;
      owned.get(partition)?.abandon();
      const landed = createLandedCosts();
      const journal = openPartitionJournal({
        kafka,
        codec,
        writer,
        payloads: setAside,
        partition,
        from,
        restoredTo: latest,
        onRestored: landed.add,
        log,
        onBehind: (behind) => followJournal(partition, behind),
      });
      const settle = (): void => {
        for (const { costId, usd } of landed.last()) services.guards.settle(costId, usd);
      };
      // Rejected only when the partition goes: whoever has it then says it.
      journal.readTo(latest).then(settle, () => undefined);
      const worker = `${settings.workerName}/${randomBytes(4).toString('hex')}`;
      const opened = openOwnedPartition({
        ...{ partition, journal, worker, limits, clock, payloads },
        sampleRatio: settings.sampleRatio ?? 1,
        identityOf: ({ read }) => identityOf(read, worker, bind(routedOf(read), null)),
        inputOf: ({ read }) => inputOf(read, bind(routedOf(read), null)),
        journalEnd: latest,
        committed: commits.get(partition)?.offset,
        tasks: tasks.get(partition) ?? { earliest: 0, latest: 0 },
        codec,
        deadLetter,
        onChange: () => pump(),
        log,
      });
      owned.set(partition, opened);
      committed.delete(partition);
      settings.onOwned?.(partition, from);
      return { topic: EVENTS, partition, offset: from };
    });
  };

  const followJournal = (partition: number, behind: boolean): void => {
    const at = { topic: EVENTS, partition };
    const position = owned.get(partition)?.journal.fold.position();
    if (!behind) reader?.pause(at);
    else if (position !== undefined) {
      reader?.rewind({ ...at, offset: position });
      reader?.resume(at);
    }
  };

  const revoke = (partitions: readonly TopicPartition[]): void => {
    for (const { partition } of partitions) {
      owned.get(partition)?.abandon();
      owned.delete(partition);
      committed.delete(partition);
    }
  };

  const deadLetter = async (
    record: KafkaRecord,
    reason: DeadLetterReason,
    message: string,
  ): Promise<void> => {
    const { key, letter } = deadLetterOf(record, { stage: 'receiving', reason, message, at: clock() });
    await writer.append([
      {
        topic: TOPICS.deadLetters.name,
        key,
        value: codec.encode('DeadLetter', letter),
        headers: cloudEventHeaders({
          id: key,
          type: 'freshet.dead-letter',
          source: 'freshet/agents',
          at: letter.at,
        }),
      },
    ]);
    onEvent({ name: 'task-dead-lettered', reason });
  };

  const services: TaskServices = {
    behaviourOf: ({ read }, { journal }) =>
      bind(routedOf(read), begunUnder(journal.fold.execution(read.executionId))),
    models: settings.models,
    retriever: settings.retriever,
    openChunks: (identity, epoch) => {
      const { taskId, executionId, tenant } = identity;
      return openTaskChunks({ codec, writer, clock }, { taskId, executionId, epoch, tenant });
    },
    control: settings.control ?? SILENT,
    memory: settings.memory ?? FORGETFUL,
    guards: settings.guards ?? UNGUARDED,
    results: settings.results ?? null,
    scratch: createEphemeralMemory(),
    subtasks: openSubtasks({ codec, writer, payloads: setAside, clock }),
    payloads,
    readExecution: (place) => readRecordedExecution(kafka, codec, place, payloads),
    capabilitiesOf: settings.capabilitiesOf ?? (() => capabilitiesOf([...settings.agents, ...behaviours])),
    localTenant: settings.localTenant ?? '',
    sourceUrls: settings.sourceUrls ?? {},
    takeoverMs: 1.5 * (settings.sessionTimeoutMs ?? 10_000),
    deadLetter: (item, reason, message) => deadLetter(item.record, reason, message),
    clock,
    onEvent,
    log,
  };

  // The pool: a place is taken by the next task that may start, partitions taking turns.
  const pump = (): void => {
    let started = 0;
    while (!draining && pool.hasFree()) {
      if (started === STARTS_IN_A_TURN) {
        // Thousands that may start at once must not keep the heartbeat waiting.
        if (!pumpsSoon)
          setImmediate(() => {
            pumpsSoon = false;
            pump();
          });
        pumpsSoon = true;
        break;
      }
      const found = nextInTurn();
      if (!found) break;
      started += 1;
      void pool.run((place) => see(...found, place));
    }
    for (const partition of owned.values()) balance(partition);
  };

  const pool = createWorkerPool(concurrency, () => pump());

  const nextInTurn = (): readonly [OwnedPartition, QueuedTask] | undefined => {
    const partitions = [...owned.values()];
    for (let index = 0; index < partitions.length; index += 1) {
      const partition = partitions[(turn + index) % partitions.length];
      const item = partition?.next(clock());
      if (!partition || !item) continue;
      turn = (turn + index + 1) % partitions.length;
      return [partition, item];
    }
    return undefined;
  };

  const see = async (partition: OwnedPartition, item: QueuedTask, place: PoolPlace): Promise<void> => {
    try {
      if (await runTask(item, partition, partition.placeOf(item, place), services)) partition.finish(item);
    } catch (error) {
      // Not reached as far as we know; the task stays unfinished, and the next owner takes it up.
      log('error', `task ${item.read.taskId} is left: ${toError(error).message}`, error);
    }
  };

  // Backpressure: a partition with enough in hand is not read on.
  const isPressed = (partition: OwnedPartition): boolean =>
    partition.open() >= highWater || partition.span() >= maxSpan;

  const balance = (partition: OwnedPartition): void => {
    const at = { topic: TASKS, partition: partition.partition };
    if (isPressed(partition)) reader?.pause(at);
    else if (partition.open() <= highWater / 2) reader?.resume(at);
  };

  const commit = async (): Promise<void> => {
    const due = [...owned.values()].flatMap((partition) => {
      const point = partition.commitPoint();
      const text = point && `${point.offset} ${point.metadata}`;
      return point && committed.get(partition.partition) !== text ? [{ partition, point, text }] : [];
    });
    if (due.length === 0) return;
    try {
      await reader?.commit(
        due.map(({ partition, point }) => ({ topic: TASKS, partition: partition.partition, ...point })),
      );
      for (const { partition, point, text } of due) {
        if (owned.get(partition.partition) !== partition) continue;
        if (text !== undefined) committed.set(partition.partition, text);
        partition.committed(point.offset);
      }
    } catch (error) {
      log('warn', `committing: ${toError(error).message}; the next commit says it again`);
    }
  };

  reader = await openGroupReader(
    kafka,
    {
      groupId: AGENTS_GROUP,
      topics: [TASKS, EVENTS],
      gapless: isGapless,
      ...(settings.sessionTimeoutMs === undefined ? {} : { sessionTimeoutMs: settings.sessionTimeoutMs }),
    },
    {
      onAssigned: assign,
      onRevoked: revoke,
      onBatch: ({ topic, partition, records }) => {
        const at = owned.get(partition);
        if (topic === EVENTS) at?.journal.follow(records);
        else at?.take(records);
        if (at && topic === TASKS) balance(at);
      },
      onFailure: (error) => {
        log('error', error.message, error);
        settings.onFailure?.(error);
      },
    },
  );

  /** It would be stopped before its first step: nobody has to wait for that until it may begin. */
  const isOver = ({ read: { task, executionId } }: QueuedTask): boolean =>
    services.control.isCancelled(executionId) || (task.deadlineAt !== null && task.deadlineAt < clock());

  const committing = (async () => {
    while (!stopping.signal.aborted) {
      await sleep(COMMIT_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      for (const partition of owned.values()) partition.hurry(isOver);
      // Those that were to start later may be due by now; what waits for long is to pin nothing.
      pump();
      for (const partition of owned.values()) partition.journalWaits(isPressed(partition));
      await commit();
    }
  })();

  return {
    stop: async (graceMs) => {
      draining = true;
      // What only waits is handed over at once: a person may take a day, and nobody works on these partitions meanwhile.
      await Promise.race([pool.atRest(), sleep(graceMs, undefined, { ref: false })]);
      for (const partition of owned.values()) partition.halt();
      stopping.abort();
      await pool.idle();
      await committing;
      await commit();
      for (const partition of owned.values()) partition.abandon();
      await reader?.close();
      await Promise.all([setAside.close(), payloads.close()]);
    },
    stats: () => ({
      running: pool.begun(),
      open: [...owned.values()].reduce((sum, partition) => sum + partition.open(), 0),
      oldest: oldestOf([...owned.values()].map((partition) => partition.oldest())),
      current: owned.size > 0 && [...owned.values()].every((partition) => partition.isCurrent()),
      partitions: [...owned.keys()],
    }),
  };
};
