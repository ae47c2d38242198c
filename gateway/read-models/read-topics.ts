/**
 * Feeds the read models from Kafka with a consumer group of this gateway's own: from a recent point, in the order of
 * each partition, and from the beginning again when the log is not the one that was being read. The journal is read from where a
 * worker would read it too, so that whatever waits is known, however long it has (rule J).
 */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_WAIT_LIMITS, mostBehind } from '../../agents/runtime/wait-state.ts';
import { type GroupReader, openGroupReader } from '../../connectors/kafka/group-reader.ts';
import type { KafkaClient, KafkaRecord, TopicPartition } from '../../connectors/kafka/kafka.ts';
import { createBatchQueue } from '../../pipelines/batch-queue.ts';
import { ofAtMost } from '../../pipelines/batch-size.ts';
import { RECORD_BOUNDS } from '../../pipelines/record-bounds.ts';
import { type FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { turn } from '../../schemas/event-loop-turn.ts';
import { AGENTS_GROUP } from '../../schemas/groups.ts';
import { journalOffsetOf } from '../../schemas/journal-position.ts';
import { TOPICS } from '../../schemas/topics.ts';

const WHOLE = { hours: 720, least: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY };

/** How much of each topic is read when a gateway starts, by partition: what was of late, bounded in number. */
const RECENT = {
  [TOPICS.tasks.name]: { hours: 24, least: 100, most: 1_000 },
  [TOPICS.agentEvents.name]: { hours: 24, least: 200, most: 4_000 },
  [TOPICS.taskStream.name]: { hours: 1, least: 0, most: 2_000 },
  // One of every change: read some at a time.
  [TOPICS.freshness.name]: { hours: 1, least: 20, most: 20_000, restMs: 500 },
  [TOPICS.watermarks.name]: { hours: 1, least: 200, most: 20_000 },
  [TOPICS.costs.name]: { hours: 24, least: 100, most: 5_000 },
  [TOPICS.feedback.name]: { hours: 720, least: 1_000, most: 20_000 },
  [TOPICS.deadLetters.name]: { hours: 24, least: 1_000, most: 1_000 },
  // What stands in quarantine waits for a person, for as long as its topic keeps it.
  [TOPICS.quarantine.name]: { hours: 720, least: 10_000, most: 200_000 },
  // The newest of each key stands, however old it is and however much was written of others.
  [TOPICS.alerts.name]: WHOLE,
  [TOPICS.control.name]: WHOLE,
  [TOPICS.sourceStates.name]: WHOLE,
  [TOPICS.audit.name]: { hours: 720, least: 1_000, most: 1_000 },
} as const satisfies Record<string, Recent>;

interface Recent {
  readonly hours: number;
  readonly least: number;
  readonly most: number;
  readonly restMs?: number;
}

/** Records of a partition's journal that are read where no worker says from where: twice, for what came while waits were renewed. */
const UNTOLD = 2 * mostBehind(DEFAULT_WAIT_LIMITS);
const HOUR_MS = 3_600_000;
const MAX_BATCH = 256;
const HIGH_WATER = 4_000;
const REOPEN_AFTER_MS = 1_000;

export interface TopicReader {
  /** Null: everything that stood in the log at the start was read. */
  waitingFor(): string | null;
  /** Resolves when the record before each offset was handled, or after a while. */
  reached(topic: string, ends: ReadonlyMap<number, number>, withinMs: number): Promise<boolean>;
  stop(): Promise<void>;
}

export interface ReadTopicsSettings {
  readonly kafka: KafkaClient;
  readonly now: () => number;
  /** `live`: it came after the start. Errors of `kafka-unavailable` kind are tried again. */
  readonly onRecord: (record: KafkaRecord, live: boolean) => Promise<void>;
  /** What was written of a partition in the hours that are read is more than is read. */
  readonly onCut: (topic: string, partition: number) => void;
  /** The log is read anew: forget everything. */
  readonly onRestart: () => void;
  readonly onTrouble: (error: FreshetError) => void;
}

const restOf = (topic: string): number => (RECENT as Record<string, Recent>)[topic]?.restMs ?? 0;

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`;

export const readTopics = async (settings: ReadTopicsSettings): Promise<TopicReader> => {
  const { kafka } = settings;
  const groupId = `freshet.gateway.${randomUUID()}`;
  const topics = Object.keys(RECENT);
  /** End of each partition at the start: what lies before it is the past. */
  const ends = new Map<string, number>();
  /** Next offset to handle. */
  const handled = new Map<string, number>();
  let reader: GroupReader | undefined;
  let stopped = false;
  let reopening: Promise<void> | undefined;

  /**
   * Where workers say that the journal is to be read from: at or before the beginning, or the newest snapshot, of everything that has
   * not ended. Where none has said anything, or not for so long that Kafka forgot it, as far back as waits are journaled whole at all.
   */
  const neededOf = async (topic: string): Promise<(partition: number, latest: number) => number> => {
    if (topic !== TOPICS.agentEvents.name) return () => Number.POSITIVE_INFINITY;
    const commits = await kafka.admin.committed(AGENTS_GROUP, TOPICS.tasks.name);
    return (partition, latest) => journalOffsetOf(commits.get(partition)?.metadata) ?? latest - UNTOLD;
  };

  const startOf = async (partitions: readonly TopicPartition[]) => {
    const starts: (TopicPartition & { readonly offset: number; readonly latest: number })[] = [];
    for (const topic of new Set(partitions.map((each) => each.topic))) {
      const { hours, least, most } = RECENT[topic as keyof typeof RECENT];
      const neededFrom = await neededOf(topic);
      const since = await kafka.admin.offsetsAt(topic, settings.now() - hours * HOUR_MS);
      for (const { partition, earliest, latest } of await kafka.admin.offsets(topic)) {
        const at = { topic, partition };
        if (!partitions.some((each) => keyOf(each) === keyOf(at))) continue;
        const recent = Math.min(since.get(partition) ?? latest, latest - least);
        const offset = Math.max(
          earliest,
          Math.min(neededFrom(partition, latest), Math.max(latest - most, recent)),
        );
        if (offset > Math.max(earliest, recent)) settings.onCut(topic, partition);
        starts.push({ ...at, offset: Math.min(offset, latest), latest });
      }
    }
    // All at once: with some of them it would be ready, and what comes to the others next would count as the past.
    for (const { latest, ...at } of starts) {
      if (!ends.has(keyOf(at))) ends.set(keyOf(at), latest);
      handled.set(keyOf(at), at.offset);
    }
    return starts;
  };

  const process = async (records: readonly KafkaRecord[], given: AbortSignal): Promise<void> => {
    for (const record of records) {
      const key = keyOf(record);
      if (record.offset < (handled.get(key) ?? 0)) continue;
      await settings.onRecord(record, record.offset >= (ends.get(key) ?? 0));
      if (given.aborted) return;
      handled.set(key, record.offset + 1);
    }
    // Decoding is all microtasks: let requests have their turn.
    await turn();
  };

  const newQueue = () =>
    createBatchQueue<KafkaRecord>({
      batch: ofAtMost(MAX_BATCH),
      highWater: HIGH_WATER,
      ...RECORD_BOUNDS,
      process,
      onFull: () => {
        for (const at of reader?.owned() ?? []) reader?.pause(at);
      },
      onDrained: () => {
        for (const at of reader?.owned() ?? []) reader?.resume(at);
      },
      onRetry: (error) => settings.onTrouble(toFreshetError(error)),
    });
  let queue = newQueue();

  const open = (): Promise<GroupReader> =>
    openGroupReader(
      kafka,
      { groupId, topics, maxWaitMs: 100, restMs: restOf },
      {
        onAssigned: startOf,
        onRevoked: () => undefined,
        onBatch: ({ records }) => queue.push(records),
        onFailure: (error) => {
          settings.onTrouble(error);
          reopening ??= reopen().finally(() => {
            reopening = undefined;
          });
        },
      },
    );

  const reopen = async (): Promise<void> => {
    await reader?.close().catch(() => undefined);
    queue.abandon();
    // A record may be under way still, waiting for its payload: folded after the models were cleared it would stand before what precedes it.
    await queue.stop();
    while (!stopped) {
      await sleep(REOPEN_AFTER_MS);
      if (stopped) return;
      try {
        ends.clear();
        handled.clear();
        settings.onRestart();
        queue = newQueue();
        reader = await open();
        return;
      } catch (error) {
        settings.onTrouble(toFreshetError(error));
      }
    }
  };

  reader = await open();

  const behind = (targets: Iterable<readonly [string, number]>): boolean => {
    for (const [key, end] of targets) if ((handled.get(key) ?? 0) < end) return true;
    return false;
  };

  return {
    waitingFor: () => (ends.size === 0 || behind(ends) ? 'its read models to catch up with the log' : null),
    reached: async (topic, targets, withinMs) => {
      const wanted = [...targets].map(([partition, end]) => [keyOf({ topic, partition }), end] as const);
      const limit = performance.now() + withinMs;
      while (behind(wanted)) {
        if (stopped || performance.now() > limit) return false;
        await sleep(5);
      }
      return true;
    },
    stop: async () => {
      stopped = true;
      await reopening;
      await reader?.close();
      queue.abandon();
      await kafka.admin.deleteGroups([groupId]).catch(() => undefined);
    },
  };
};
