/** Hands every record that was read to the model it belongs to. */
import { type ReadableTask, readTask } from '../../agents/runtime/read-task.ts';
import { snapshotRecordOf } from '../../agents/runtime/snapshot.ts';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { type PayloadReader, wholeOrLost } from '../../connectors/payloads/payload-reader.ts';
import { wholeEnds } from '../../connectors/payloads/whole-ends.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Clock } from '../../schemas/clock.ts';
import { type FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { isOfUnbegun, isSnapshot } from '../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { taskIdOf, taskTimeOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { isCopied } from './copied-step.ts';
import { summaryOf } from './dead-letter-list.ts';
import type { ExecutionEntry } from './execution-entry.ts';
import type { LiveMetrics } from './live-metrics.ts';
import type { ReadModels } from './read-models.ts';

export interface FoldRecordsSettings {
  readonly models: ReadModels;
  readonly codec: RecordCodec;
  readonly payloads: Pick<PayloadReader, 'whole'>;
  readonly live: LiveMetrics;
  readonly clock: Clock;
  readonly onUnreadable: (record: KafkaRecord, error: FreshetError) => void;
}

/** Whether a snapshot has nothing to add of what came before it. */
const isKnown = (entry: ExecutionEntry | undefined, event: AgentEvent): boolean =>
  entry?.hasTask === true &&
  (isOfUnbegun(event) || (entry.first !== null && (entry.restored || !entry.incomplete)));

/** The task's record stands in the snapshot as it came (decision 24). Null where it does not, or says another task. Errors: `registry-unavailable`. */
const taskOfSnapshot = async (whole: AgentEvent, codec: RecordCodec): Promise<ReadableTask | null> => {
  const record = snapshotRecordOf(whole);
  const read = record && (await readTask(record, codec));
  return read?.kind === 'task' && read.taskId === whole.taskId ? read : null;
};

export const foldRecordsInto = (settings: FoldRecordsSettings) => {
  const { models, codec, payloads, live: metrics } = settings;

  const fold: Record<string, (record: KafkaRecord, live: boolean) => Promise<void>> = {
    [TOPICS.tasks.name]: async (record) => {
      const task = await codec.decode('Task', record.value);
      models.executions.addTask(taskIdOf(task, record), task, taskTimeOf(task, record), record);
    },
    [TOPICS.agentEvents.name]: async (record, live) => {
      const event = await codec.decode('AgentEvent', record.value);
      const ends = await wholeEnds(event, payloads);
      // Whole states are large, and needed only where what came before was not read. Before anything is folded: it may have to be tried again.
      const known = models.executions.task(event.taskId);
      const isUnknown =
        isSnapshot(event) && (!isKnown(known, event) || !models.approvals.of(event.executionId));
      const whole = isUnknown ? (await wholeOrLost(payloads, event)).event : ends;
      const waiting = isUnknown && !known?.hasTask ? await taskOfSnapshot(whole, codec) : null;
      const { entry, counts } = models.executions.addEvent(event, record, whole);
      if (waiting && (counts || isOfUnbegun(event)))
        models.executions.addTask(event.taskId, waiting.task, waiting.input.createdAt);
      if (!counts) return;
      models.halts.event(event, entry, record);
      models.outcomes.event(event, entry);
      if (!isCopied(event, entry)) {
        models.refusals.event(event);
        const ended = models.agents.event(event, entry);
        if (live) metrics.event(event, entry, ended?.calls ?? 0);
      }
      models.approvals.event(whole);
    },
    [TOPICS.taskStream.name]: async (record) => {
      const { partition, offset } = record;
      models.chunks.add({ partition, offset, chunk: await codec.decode('TaskChunk', record.value) });
    },
    [TOPICS.freshness.name]: async (record, live) => {
      const timing = await codec.decode('Timing', record.value);
      models.freshness().add(timing, settings.clock());
      if (live) metrics.timing(timing);
    },
    [TOPICS.watermarks.name]: async (record, live) => {
      const point = await codec.decode('WatermarkPoint', record.value);
      models.freshness().addPoint(point);
      if (live) metrics.point(point);
    },
    [TOPICS.alerts.name]: async (record) => {
      models.freshness().addAlert(await codec.decode('Alert', record.value));
    },
    [TOPICS.costs.name]: async (record, live) => {
      const cost = await codec.decode('Cost', record.value);
      const before = models.costs.add(cost, record.partition);
      if (live) metrics.cost(cost, before);
    },
    [TOPICS.feedback.name]: async (record) => {
      const feedback = await codec.decode('Feedback', record.value);
      models.agents.feedback(feedback);
      models.feedback.add(feedback);
      metrics.feedback(feedback.agent, models.agents.of(feedback.agent).feedbackScore);
    },
    [TOPICS.deadLetters.name]: async (record) => {
      models.deadLetters.add(summaryOf(await codec.decode('DeadLetter', record.value)));
    },
    [TOPICS.sourceStates.name]: async (record) => {
      const state = await codec.decode('SourceState', record.value);
      models.sourceStates.set(state.source, state);
    },
    [TOPICS.quarantine.name]: async (record) => {
      models.quarantine.add(await codec.decode('Quarantined', record.value));
    },
    [TOPICS.control.name]: async (record) => {
      models.control.apply(await codec.decode('Control', record.value));
    },
    [TOPICS.audit.name]: async (record) => {
      const audit = await codec.decode('Audit', record.value);
      models.deadLetters.noteAudit(audit);
      models.audit.add({ ...audit, position: `${record.topic}:${record.partition}:${record.offset}` });
    },
  };

  /** Errors: `registry-unavailable`, to be tried again. What cannot be read is reported and passed over. */
  return async (record: KafkaRecord, live: boolean): Promise<void> => {
    if (record.value === null) {
      if (record.topic === TOPICS.control.name) models.control.remove(record.key?.toString('utf8') ?? '');
      return;
    }
    try {
      await fold[record.topic]?.(record, live);
    } catch (error) {
      const failure = toFreshetError(error);
      if (failure.code === 'registry-unavailable' || failure.code === 'kafka-unavailable') throw failure;
      settings.onUnreadable(record, failure);
    }
  };
};
