/** Tasks and executions that the read models have forgotten, found in Kafka again: bounded in records and in searches at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaClient, KafkaRecord } from '../connectors/kafka/kafka.ts';
import { partitionOfKey } from '../connectors/kafka/partition-of-key.ts';
import { scanTopic } from '../connectors/kafka/scan.ts';
import type { PayloadReader } from '../connectors/payloads/payload-reader.ts';
import { wholeEnds } from '../connectors/payloads/whole-ends.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { FreshetError } from '../schemas/errors.ts';
import { executionIdOf } from '../schemas/task-identity.ts';
import { TOPICS, type TopicDefinition } from '../schemas/topics.ts';
import { atMost } from './at-most.ts';
import {
  type ExecutionEntry,
  entryOfResult,
  entryOfState,
  type JournaledEvent,
  newEntry,
  withEvent,
} from './read-models/execution-entry.ts';
import type { PlacedChunk } from './read-models/recent-chunks.ts';

export interface FoundExecution {
  readonly entry: ExecutionEntry;
  readonly events: readonly JournaledEvent[];
}

export interface FindOlder {
  /** From freshet.results; one that has not ended, from freshet.task-states, which tells no more than whose it is and how it stands. */
  task(taskId: string): Promise<ExecutionEntry | undefined>;
  /** From the journal; where its first event stands is quick to read, anywhere else is a search of the last records. */
  execution(
    executionId: string,
    first: { readonly partition: number; readonly offset: number } | null,
  ): Promise<FoundExecution | undefined>;
  /** The chunks of a task that are still kept, after an offset where one is given. */
  chunks(
    taskId: string,
    after: { readonly partition: number; readonly offset: number } | null,
  ): Promise<readonly PlacedChunk[]>;
}

/** Records looked through at most, by partition. */
const MOST = { results: 50_000, states: 50_000, events: 10_000, chunks: 20_000 } as const;
const MAX_EVENTS = 5_000;
const MAX_AT_ONCE = 2;

/** Kafka that does not answer must not hold a caller, nor one of the few places. */
const SEARCH_WITHIN_MS = 5_000;

/** `work` is told when it need not go on. */
const within = async (ms: number, begin: (over: AbortSignal) => Promise<void>): Promise<void> => {
  const overdue = new AbortController();
  const work = begin(overdue.signal);
  try {
    await Promise.race([
      work,
      sleep(ms, undefined, { signal: overdue.signal }).then(() => {
        throw new FreshetError(
          'unavailable',
          `the log could not be searched within ${ms / 1_000} s; try again later`,
        );
      }),
    ]);
  } finally {
    overdue.abort();
    work.catch(() => undefined);
  }
};

export const createFindOlder = (
  kafka: KafkaClient,
  codec: RecordCodec,
  payloads: Pick<PayloadReader, 'whole'>,
): FindOlder => {
  const oneOfFew = atMost(MAX_AT_ONCE, 'the log is being searched for others already; try again');

  const search = (
    topic: string,
    most: number,
    /** Without an offset, the last of the partition. */
    where: { readonly partition: number; readonly offset?: number } | null,
    onRecord: (record: KafkaRecord) => Promise<boolean>,
  ): Promise<void> => {
    return oneOfFew(() => within(SEARCH_WITHIN_MS, read));

    async function read(over: AbortSignal): Promise<void> {
      const offsets = await kafka.admin.offsets(topic);
      const from = new Map(
        offsets.map(({ partition, latest }) => [
          partition,
          (where?.partition === partition ? where.offset : undefined) ?? latest - most,
        ]),
      );
      const only = where ? { partitions: [where.partition] } : {};
      if (over.aborted) return;
      await scanTopic(kafka, { topic, from, ...only }, (record) => !over.aborted && onRecord(record));
    }
  };

  /** The last of a compacted topic under a key. */
  const newest = async (topic: TopicDefinition, most: number, key: string): Promise<Buffer | null> => {
    let value: Buffer | null = null;
    const partition = partitionOfKey(Buffer.from(key), topic.partitions);
    await search(topic.name, most, { partition }, async (record) => {
      if (record.key?.toString('utf8') === key) value = record.value;
      return true;
    });
    return value;
  };

  const ofResult = async (taskId: string): Promise<ExecutionEntry | undefined> => {
    const value = await newest(TOPICS.results, MOST.results, taskId);
    return value ? entryOfResult(await codec.decode('Result', value)) : undefined;
  };

  return {
    task: async (taskId) => {
      const ended = await ofResult(taskId);
      if (ended) return ended;
      const value = await newest(TOPICS.taskStates, MOST.states, taskId);
      if (!value) return undefined;
      const entry = entryOfState(await codec.decode('TaskState', value));
      // It has ended meanwhile: the result stands in the log before the state.
      return entry.state === 'completed' || entry.state === 'failed' ? ofResult(taskId) : entry;
    },

    execution: async (executionId, first) => {
      let entry: ExecutionEntry | undefined;
      const events: JournaledEvent[] = [];
      await search(TOPICS.agentEvents.name, MOST.events, first, async (record) => {
        const taskId = record.key?.toString('utf8');
        if (taskId === undefined || executionIdOf(taskId) !== executionId) return true;
        const event = await codec.decode('AgentEvent', record.value);
        const { partition, offset } = record;
        const ends = await wholeEnds(event, payloads);
        const after = withEvent(entry ?? newEntry(taskId), ends, { partition, offset });
        entry = after.entry;
        events.push({ partition, offset, event, counts: after.counts });
        return !entry.order.ended && events.length < MAX_EVENTS;
      });
      return entry && { entry, events };
    },

    chunks: async (taskId, after) => {
      const found: PlacedChunk[] = [];
      const first = after && { partition: after.partition, offset: after.offset + 1 };
      await search(TOPICS.taskStream.name, MOST.chunks, first, async (record) => {
        if (record.key?.toString('utf8') !== taskId) return true;
        const { partition, offset } = record;
        found.push({ partition, offset, chunk: await codec.decode('TaskChunk', record.value) });
        return found.length < MAX_EVENTS;
      });
      return found;
    },
  };
};
