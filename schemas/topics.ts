/**
 * Every topic of Freshet, stated once: what its values are, how many partitions, how long it is kept.
 * Created from this list at start; `doctor` compares the broker against it.
 */
import type { RecordName } from './records.ts';

/** cdc topics, freshet.documents, freshet.tasks, freshet.agent-events and freshet.payloads share this count, so that partition p is one worker's. */
export const PARTITIONS = 8;

/** Largest record of any topic, in bytes; a document whose record would pass it is refused by a gate. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface TopicDefinition {
  readonly name: string;
  /** The Avro record of its values; null where Debezium writes them. */
  readonly value: RecordName | null;
  readonly partitions: number;
  readonly settings: Readonly<Record<string, string>>;
}

/** Times of records are the broker's own: when they were appended, not when they were made. */
const BROKER_TIME = { 'message.timestamp.type': 'LogAppendTime' };

/**
 * How long the end of a marker stands in freshet.documents after compaction has come to it: whoever reads on from further back may
 * have missed it, and begins anew. The end of a memory in cdc.memory stands as long.
 */
export const MARKER_ENDS_KEPT_MS = 30 * DAY_MS;

const kept = (milliseconds: number): Record<string, string> => ({
  'cleanup.policy': 'delete',
  'retention.ms': String(milliseconds),
  'max.message.bytes': String(MAX_RECORD_BYTES),
});

const compacted = (horizonMs: number): Record<string, string> => ({
  'cleanup.policy': 'compact',
  'min.compaction.lag.ms': String(horizonMs),
  'max.message.bytes': String(MAX_RECORD_BYTES),
});

/** Written all the time about few things: small segments, so that whoever starts reads little. */
const compactedSoon = (): Record<string, string> => ({
  ...compacted(0),
  'segment.bytes': String(4 * 1024 * 1024),
  'min.cleanable.dirty.ratio': '0.1',
});

export const TOPICS = {
  documents: {
    name: 'freshet.documents',
    value: 'Document',
    partitions: PARTITIONS,
    settings: {
      ...compacted(DAY_MS),
      ...BROKER_TIME,
      'delete.retention.ms': String(MARKER_ENDS_KEPT_MS),
    },
  },
  freshness: {
    name: 'freshet.freshness',
    value: 'Timing',
    partitions: PARTITIONS,
    settings: kept(7 * DAY_MS),
  },
  quarantine: {
    name: 'freshet.quarantine',
    value: 'Quarantined',
    partitions: 1,
    settings: kept(30 * DAY_MS),
  },
  deadLetters: {
    name: 'freshet.dead-letters',
    value: 'DeadLetter',
    partitions: 1,
    settings: kept(30 * DAY_MS),
  },
  watermarks: {
    name: 'freshet.watermarks',
    value: 'WatermarkPoint',
    partitions: 1,
    settings: compactedSoon(),
  },
  tasks: { name: 'freshet.tasks', value: 'Task', partitions: PARTITIONS, settings: kept(7 * DAY_MS) },
  agentEvents: {
    name: 'freshet.agent-events',
    value: 'AgentEvent',
    partitions: PARTITIONS,
    settings: kept(30 * DAY_MS),
  },
  /**
   * Inputs and outputs too large for the journal, which points at them by offset: so nothing is compacted away, and it is kept for
   * longer than the journal, whose last segment may live for a week past its retention.
   */
  payloads: {
    name: 'freshet.payloads',
    value: 'Payload',
    partitions: PARTITIONS,
    settings: kept(40 * DAY_MS),
  },
  taskStream: {
    name: 'freshet.task-stream',
    value: 'TaskChunk',
    partitions: PARTITIONS,
    settings: kept(HOUR_MS),
  },
  results: { name: 'freshet.results', value: 'Result', partitions: PARTITIONS, settings: compacted(0) },
  taskStates: {
    name: 'freshet.task-states',
    value: 'TaskState',
    partitions: PARTITIONS,
    settings: compacted(0),
  },
  sourceStates: {
    name: 'freshet.source-states',
    value: 'SourceState',
    partitions: 1,
    settings: compactedSoon(),
  },
  /** The change topic of the source `memory`, written by agents: what stands of each memory is kept, however old. */
  memory: {
    name: 'cdc.memory',
    value: 'Memory',
    partitions: PARTITIONS,
    // A pipeline that was away for days must still see that a memory ended: else its document stays for good.
    settings: { ...compacted(0), ...BROKER_TIME, 'delete.retention.ms': String(MARKER_ENDS_KEPT_MS) },
  },
  control: { name: 'freshet.control', value: 'Control', partitions: 1, settings: compacted(0) },
  alerts: { name: 'freshet.alerts', value: 'Alert', partitions: 1, settings: compacted(0) },
  audit: { name: 'freshet.audit', value: 'Audit', partitions: 1, settings: kept(365 * DAY_MS) },
  feedback: { name: 'freshet.feedback', value: 'Feedback', partitions: 1, settings: kept(365 * DAY_MS) },
  costs: { name: 'freshet.costs', value: 'Cost', partitions: PARTITIONS, settings: kept(365 * DAY_MS) },
} as const satisfies Record<string, TopicDefinition>;

/** The change topic of a source: every table of it, keyed by primary key. Times are the broker's own. */
export const changeTopic = (source: string): TopicDefinition => ({
  name: `cdc.${source}`,
  value: null,
  partitions: PARTITIONS,
  settings: { ...kept(7 * DAY_MS), ...BROKER_TIME },
});

/** What a connector keeps of a source's table definitions; without it, it cannot read the rows of an older log. Kept for ever. */
export const schemaHistoryTopic = (source: string): TopicDefinition => ({
  name: `freshet.schema-history.${source}`,
  value: null,
  partitions: 1,
  settings: { 'cleanup.policy': 'delete', 'retention.ms': '-1' },
});

/** Topics with every record written in turn: a hole in their offsets means that something was lost (rule O). */
export const isGapless = (topic: string): boolean =>
  (topic.startsWith('cdc.') && topic !== TOPICS.memory.name) || topic === TOPICS.tasks.name;
