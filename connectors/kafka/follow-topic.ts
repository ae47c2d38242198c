/** Follows small topics from their beginning, or the last of large ones, for as long as it is open, outside of any lasting group: what is compacted into memory. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { toFreshetError } from '../../schemas/errors.ts';
import { type GroupReader, openGroupReader } from './group-reader.ts';
import type { KafkaClient, KafkaRecord } from './kafka.ts';

export interface TopicFollower {
  /** True once everything was handled that stood in the topics at the start. */
  current(): boolean;
  /** Resolves with true when everything was handled that stands in a topic now; false when that takes longer. */
  caughtUp(topic: string, withinMs: number): Promise<boolean>;
  close(): Promise<void>;
}

export interface FollowSettings {
  readonly topics: readonly string[];
  /** Names this follower's group; a unique end is added. */
  readonly name: string;
  readonly maxWaitMs?: number;
  readonly restMs?: number;
  /** Topics of which the last of each partition are enough: written in the last hours or since a time (milliseconds), and at most so many. */
  readonly recent?: Readonly<
    Record<string, ({ readonly hours: number } | { readonly since: number }) & { readonly most: number }>
  >;
  /** Reading begins, at first and again after a failure, with the ends of each topic's partitions; before any record that follows. */
  readonly onBegin?: (ends: ReadonlyMap<string, readonly number[]>) => void;
  /** In order of a partition. A record that it rejects is passed over; one that the registry could not say how to read is given again. */
  readonly onRecord: (record: KafkaRecord) => Promise<void> | void;
  /** Reading failed: it begins again from the start after a moment. */
  readonly onTrouble: (error: Error) => void;
}

const REOPEN_AFTER_MS = 1_000;
const AGAIN_AFTER_MS = 500;
const HOUR_MS = 3_600_000;

const keyOf = (topic: string, partition: number): string => `${topic}:${partition}`;

/** Errors: `kafka-unavailable` at the start; later ones go to `onTrouble`. */
export const followTopics = async (client: KafkaClient, settings: FollowSettings): Promise<TopicFollower> => {
  const handled = new Map<string, number>();
  const atStart = new Map<string, number>();
  let handling: Promise<unknown> = Promise.resolve();
  /** How often reading has begun. */
  let readings = 0;
  let reader: GroupReader | undefined;
  let reopening: Promise<void> | undefined;
  let closed = false;

  const handle = async (record: KafkaRecord): Promise<void> => {
    let held = false;
    for (let again = true; again && !closed; ) {
      again = false;
      try {
        await settings.onRecord(record);
      } catch (thrown) {
        const error = toFreshetError(thrown);
        settings.onTrouble(error);
        // What a person decided must not be lost for a registry that is away; what comes meanwhile stays in the log.
        again = error.code === 'registry-unavailable';
      }
      if (!again) continue;
      held = true;
      // All of them: what comes of any waits behind this one.
      for (const at of reader?.owned() ?? []) reader?.pause(at);
      await sleep(AGAIN_AFTER_MS);
    }
    if (held) for (const at of reader?.owned() ?? []) reader?.resume(at);
  };

  const take = async (records: readonly KafkaRecord[], reading: number): Promise<void> => {
    for (const record of records) {
      await handle(record);
      // Of a reading before, it says nothing of how far this one is.
      if (reading === readings) handled.set(keyOf(record.topic, record.partition), record.offset + 1);
    }
  };

  const open = async (): Promise<void> => {
    readings += 1;
    const reading = readings;
    const groupId = `freshet.follow.${settings.name}.${randomUUID()}`;
    const opened = await openGroupReader(
      client,
      {
        groupId,
        topics: settings.topics,
        ...(settings.maxWaitMs === undefined ? {} : { maxWaitMs: settings.maxWaitMs }),
        restMs: () => settings.restMs ?? 0,
      },
      {
        onAssigned: async (partitions) => {
          const starts = [];
          const ends = new Map<string, readonly number[]>();
          for (const topic of new Set(partitions.map((each) => each.topic))) {
            const recent = settings.recent?.[topic];
            const from = recent && ('since' in recent ? recent.since : Date.now() - recent.hours * HOUR_MS);
            const since = from === undefined ? undefined : await client.admin.offsetsAt(topic, from);
            const offsets = await client.admin.offsets(topic);
            ends.set(
              topic,
              offsets.map((each) => each.latest),
            );
            for (const { partition, earliest, latest } of offsets) {
              const offset = recent
                ? Math.min(latest, Math.max(earliest, latest - recent.most, since?.get(partition) ?? latest))
                : earliest;
              atStart.set(keyOf(topic, partition), latest);
              handled.set(keyOf(topic, partition), offset);
              starts.push({ topic, partition, offset });
            }
          }
          handling = handling.then(() => settings.onBegin?.(ends));
          return starts;
        },
        onRevoked: () => undefined,
        onBatch: ({ records }) => {
          handling = handling.then(() => take(records, reading));
        },
        onFailure: (error) => {
          settings.onTrouble(error);
          reopening ??= reopen().finally(() => {
            reopening = undefined;
          });
        },
      },
    );
    reader = {
      ...opened,
      close: async () => {
        await opened.close();
        await client.admin.deleteGroups([groupId]).catch(() => undefined);
      },
    };
  };

  const reopen = async (): Promise<void> => {
    await reader?.close().catch(() => undefined);
    while (!closed) {
      await sleep(REOPEN_AFTER_MS);
      try {
        if (!closed) await open();
        return;
      } catch (error) {
        settings.onTrouble(toFreshetError(error));
      }
    }
  };

  const behind = (ends: ReadonlyMap<string, number>): boolean => {
    for (const [key, end] of ends) if ((handled.get(key) ?? -1) < end) return true;
    return false;
  };

  await open();
  return {
    current: () => atStart.size > 0 && !behind(atStart),
    caughtUp: async (topic, withinMs) => {
      const deadline = performance.now() + withinMs;
      const ends = new Map(
        (await client.admin.offsets(topic)).map((each) => [keyOf(topic, each.partition), each.latest]),
      );
      while (behind(ends)) {
        if (closed || performance.now() > deadline) return false;
        await sleep(5);
      }
      return true;
    },
    close: async () => {
      closed = true;
      await reopening;
      await reader?.close();
      await handling;
    },
  };
};
