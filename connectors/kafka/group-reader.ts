/**
 * A member of a consumer group that owns partitions: what it holds of a partition survives a rebalance that leaves
 * the partition with it, start positions are the caller's to choose, and nothing is ever skipped silently (rule O).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FreshetError, toFreshetError } from '../../schemas/errors.ts';
import type { ConsumeSettings, KafkaClient, KafkaRecord, RawConsumer, TopicPartition } from './kafka.ts';

export interface ReadBatch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly KafkaRecord[];
  readonly highWatermark: number;
}

export interface GroupReaderHandlers {
  /**
   * Partitions that this member owns now and did not before. Returns where to read each from; a partition left out
   * starts where the group committed, or at the earliest offset. Asked once at a time; of what went to another member meanwhile
   * `onRevoked` tells right after.
   */
  readonly onAssigned: (
    partitions: readonly TopicPartition[],
  ) => Promise<readonly (TopicPartition & { readonly offset: number })[]>;
  /** Every partition that was assigned has its place: from now on `rewind` moves them. */
  readonly onReady?: () => void;
  /** Partitions that went to another member: stop acting on them at once. */
  readonly onRevoked: (partitions: readonly TopicPartition[]) => void;
  /** Takes records on; must not wait. Hold a partition back with `pause`. */
  readonly onBatch: (batch: ReadBatch) => void;
  /** The group cannot go on without a person, or the caller's `onAssigned` failed. */
  readonly onFailure: (error: FreshetError) => void;
}

export interface GroupReader {
  pause(partition: TopicPartition): void;
  resume(partition: TopicPartition): void;
  /** Ends the rest of a partition: what stands there is wanted now. */
  hurry(partition: TopicPartition): void;
  /**
   * Passes over a stretch that the caller knows record by record, as it appended them itself: of no effect where the partition is
   * not read up to `from` yet. What stands before and behind it is read as ever.
   */
  skip(stretch: TopicPartition & { readonly from: number; readonly to: number }): void;
  /** Reads a partition again from an offset, after what was handed over became doubtful. */
  rewind(at: TopicPartition & { readonly offset: number }): void;
  /** Commits where the partitions are still owned; others are passed over. */
  commit(
    offsets: readonly (TopicPartition & { readonly offset: number; readonly metadata?: string })[],
  ): Promise<void>;
  owned(): readonly TopicPartition[];
  close(): Promise<void>;
}

export interface GroupReaderSettings extends ConsumeSettings {
  /** Topics without compaction and transactions, where a hole in the offsets is a loss. */
  readonly gapless?: (topic: string) => boolean;
  /** Topics that are read from their start where they end before the group's offset: they were made anew, and the caller knows. */
  readonly mayBeRemade?: (topic: string) => boolean;
  /** Milliseconds that a partition rests once it is read to its end: where a moment does not matter, fewer and larger batches cost less. */
  readonly restMs?: (topic: string) => number;
}

interface Ownership {
  readonly at: TopicPartition;
  /** Next offset expected; undefined until the first batch, or a choice of the caller, sets it. */
  next: number | undefined;
  /** Where the group goes on after a restart: committed last, or begun at. */
  restartsAt: number;
  /** The caller has it, and is to hear when it goes. */
  taken: boolean;
  ready: boolean;
  held: boolean;
  resting?: NodeJS.Timeout | undefined;
  /** The library fetches from this offset still, though `next` was moved on. */
  skippedFrom?: number | undefined;
}

/** With what the client tries by itself, longer than a broker restarts. */
const ATTEMPTS = 5;
const AGAIN_MS = 200;

const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}:${partition}`;

export const openGroupReader = async (
  client: KafkaClient,
  settings: GroupReaderSettings,
  handlers: GroupReaderHandlers,
): Promise<GroupReader> => {
  let raw: RawConsumer | undefined;
  let closed = false;
  const owned = new Map<string, Ownership>();
  let joinedBeforeReady: readonly TopicPartition[] | undefined;
  /** One after another: a caller that was asked for a partition twice would keep what it made last, which may be of the older join. */
  let beginning: Promise<void> = Promise.resolve();

  const isCurrent = (ownership: Ownership): boolean =>
    !closed && owned.get(keyOf(ownership.at)) === ownership;

  /** Asks again while Kafka is away and any of them is still to be read here. */
  const persistently = async <T>(ownerships: readonly Ownership[], ask: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await ask();
      } catch (error) {
        const isAway = toFreshetError(error).code === 'kafka-unavailable';
        if (!isAway || attempt >= ATTEMPTS || !ownerships.some(isCurrent)) throw error;
        await sleep(AGAIN_MS * 2 ** attempt);
      }
    }
  };

  const fail = (error: unknown): void => {
    if (!closed) handlers.onFailure(toFreshetError(error));
  };

  /** Where to begin, by partition; `chosen` where the caller chose. */
  const startPositions = async (
    fresh: readonly TopicPartition[],
    chosen: Map<string, number>,
  ): Promise<ReadonlyMap<string, number>> => {
    const topics = new Set(fresh.map((each) => each.topic));
    for (const topic of topics) {
      const offsets = new Map((await client.admin.offsets(topic)).map((each) => [each.partition, each]));
      const committed = await client.admin.committed(settings.groupId, topic);
      for (const { partition } of fresh.filter((each) => each.topic === topic)) {
        const key = keyOf({ topic, partition });
        const range = offsets.get(partition);
        let wanted = chosen.get(key) ?? committed.get(partition)?.offset ?? range?.earliest ?? 0;
        if (range && settings.gapless?.(topic) && wanted < range.earliest) {
          throw outOfRange(
            key,
            wanted,
            `the log begins at ${range.earliest}: records between were deleted unread`,
          );
        }
        if (range && wanted > range.latest && settings.mayBeRemade?.(topic)) wanted = range.earliest;
        if (range && wanted > range.latest)
          throw outOfRange(
            key,
            wanted,
            `the log ends at ${range.latest}: the topic was made anew or restored`,
          );
        chosen.set(key, range ? Math.max(wanted, range.earliest) : wanted);
      }
    }
    return chosen;
  };

  const outOfRange = (key: string, wanted: number, what: string): FreshetError =>
    new FreshetError(
      'offsets-out-of-range',
      `the group ${settings.groupId} is to read ${key} from ${wanted}, but ${what}; run: freshet doctor`,
    );

  const begin = async (consumer: RawConsumer, joining: readonly Ownership[]): Promise<void> => {
    const asked = joining.filter(isCurrent);
    if (asked.length === 0) return;
    // Whoever had them before may have held them until now; who takes them on holds them anew.
    for (const each of asked) each.held = false;
    const chosen = await persistently(asked, () => handlers.onAssigned(asked.map((each) => each.at)));
    for (const each of asked) each.taken = true;
    const gone = asked.filter((each) => !isCurrent(each));
    if (gone.length > 0) handlers.onRevoked(gone.map((each) => each.at));
    const fresh = asked.filter(isCurrent);
    const positions = await persistently(fresh, () =>
      startPositions(
        fresh.map((each) => each.at),
        new Map(chosen.map((each) => [keyOf(each), each.offset])),
      ),
    );
    const begun = fresh.filter(isCurrent);
    for (const ownership of begun) {
      ownership.next = positions.get(keyOf(ownership.at)) ?? 0;
      ownership.restartsAt = ownership.next;
      ownership.ready = true;
      consumer.seek({ ...ownership.at, offset: ownership.next });
      if (!ownership.held) consumer.resume([ownership.at]);
    }
    if (begun.length > 0) handlers.onReady?.();
  };

  const rest = (ownership: Ownership): void => {
    const ms = settings.restMs?.(ownership.at.topic) ?? 0;
    if (ms === 0 || ownership.resting) return;
    proxy.pause([ownership.at]);
    ownership.resting = setTimeout(() => endRest(ownership), ms);
    ownership.resting.unref();
  };

  const endRest = (ownership: Ownership): void => {
    if (!ownership.resting) return;
    clearTimeout(ownership.resting);
    ownership.resting = undefined;
    if (!ownership.held && isCurrent(ownership)) letRead(ownership);
  };

  const letRead = (ownership: Ownership): void => {
    if (ownership.skippedFrom !== undefined) moveOn(ownership);
    proxy.resume([ownership.at]);
  };

  /** Has the library fetch from `next`. */
  const moveOn = (ownership: Ownership): void => {
    ownership.skippedFrom = undefined;
    proxy.seek({ ...ownership.at, offset: ownership.next ?? 0 });
  };

  const joined = (consumer: RawConsumer, assignment: readonly TopicPartition[]): void => {
    const now = new Set(assignment.map(keyOf));
    const ended = [...owned.values()].filter((each) => !now.has(keyOf(each.at)));
    for (const each of ended) owned.delete(keyOf(each.at));
    const fresh: Ownership[] = [];
    for (const at of assignment) {
      const kept = owned.get(keyOf(at));
      if (kept?.ready && kept.next !== undefined) {
        // The library would go on from the committed offset; what was read and not yet committed is still in hand.
        consumer.seek({ ...at, offset: kept.next });
        if (kept.held || kept.resting) consumer.pause([at]);
      } else {
        // What has no place yet is begun anew: another member may have had it in between.
        if (kept) ended.push(kept);
        const ownership: Ownership = {
          at,
          next: undefined,
          restartsAt: 0,
          taken: false,
          ready: false,
          held: false,
        };
        owned.set(keyOf(at), ownership);
        fresh.push(ownership);
      }
    }
    if (fresh.length > 0) consumer.pause(fresh.map((each) => each.at));
    // What its caller is still asked for is told when that has ended: there is nothing to let go of before.
    const revoked = ended.filter((each) => each.taken);
    if (revoked.length > 0) handlers.onRevoked(revoked.map((each) => each.at));
    if (fresh.length === 0) return;
    beginning = beginning
      .then(() => begin(consumer, fresh))
      .catch((error) => {
        // What was joined again meanwhile begins anew behind this.
        if (fresh.some(isCurrent)) fail(error);
      });
  };

  const proxy: RawConsumer = {
    seek: (at) => raw?.seek(at),
    pause: (partitions) => raw?.pause(partitions),
    resume: (partitions) => raw?.resume(partitions),
    commit: async (offsets) => raw?.commit(offsets),
    close: async () => raw?.close(),
  };

  const stopAt = ({ at, next = 0, restartsAt }: Ownership, fetchedFrom: number): void => {
    fail(outOfRange(keyOf(at), next, `Kafka went on at ${fetchedFrom}`));
    proxy.pause([at]);
    // The library has overwritten the group's offset by now: a restart would go on as if nothing were missing.
    proxy.commit([{ ...at, offset: restartsAt, metadata: '' }]).catch(() => undefined);
  };

  /**
   * Of a batch whose last records compaction took, the library steps over one offset after the other and hands out nothing.
   * That is no loss while the log begins where it did; where it begins later by now, records were deleted unread.
   */
  const passOver = async (ownership: Ownership, fetchedFrom: number): Promise<void> => {
    const { at, next = 0 } = ownership;
    proxy.pause([at]);
    try {
      const offsets = await persistently([ownership], () => client.admin.offsets(at.topic));
      const earliest = offsets.find(({ partition }) => partition === at.partition)?.earliest ?? 0;
      // Moved by its caller meanwhile, it goes on from there.
      if (isCurrent(ownership) && ownership.next === next) {
        if (earliest > next) return stopAt(ownership, fetchedFrom);
        ownership.next = fetchedFrom;
      }
    } catch (error) {
      if (isCurrent(ownership)) fail(error);
    }
    if (!isCurrent(ownership)) return;
    proxy.seek({ ...at, offset: ownership.next ?? next });
    if (!ownership.held) proxy.resume([at]);
  };

  raw = await client.consume(settings, {
    // The first join happens while `consume` is still under way, before there is a consumer to pause: hold it.
    onJoined: (assignment) => {
      if (raw) joined(proxy, assignment);
      else joinedBeforeReady = assignment;
    },
    onRebalancing: () => undefined,
    onCrash: (error, restarts) => {
      if (!restarts) fail(error);
    },
    onBatch: ({ topic, partition, fetchedFrom, highWatermark, records }) => {
      const ownership = owned.get(keyOf({ topic, partition }));
      if (!ownership?.ready || ownership.next === undefined) return;
      const { next, skippedFrom = Number.POSITIVE_INFINITY } = ownership;
      if (fetchedFrom < next && (highWatermark >= next || fetchedFrom >= skippedFrom)) {
        // Fetched again after an error in between, or before it was skipped: what is known is not handed over.
        moveOn(ownership);
        if (next >= highWatermark) rest(ownership);
        return;
      }
      if (highWatermark < ownership.next && settings.mayBeRemade?.(topic)) {
        ownership.next = 0;
        ownership.restartsAt = 0;
        proxy.seek({ topic, partition, offset: 0 });
        proxy.commit([{ topic, partition, offset: 0, metadata: '' }]).catch(() => undefined);
        return;
      }
      if (fetchedFrom > ownership.next && !settings.gapless?.(topic)) {
        void passOver(ownership, fetchedFrom);
        return;
      }
      if (fetchedFrom !== ownership.next) {
        stopAt(ownership, fetchedFrom);
        return;
      }
      const first = records[0];
      const last = records.at(-1);
      if (!first || !last) return;
      if (settings.gapless?.(topic) && first.offset !== ownership.next) {
        fail(
          outOfRange(keyOf({ topic, partition }), ownership.next, `the next record there is ${first.offset}`),
        );
        proxy.pause([{ topic, partition }]);
        return;
      }
      ownership.next = last.offset + 1;
      ownership.skippedFrom = undefined;
      handlers.onBatch({ topic, partition, records, highWatermark });
      if (ownership.next >= highWatermark) rest(ownership);
    },
  });
  if (joinedBeforeReady) joined(proxy, joinedBeforeReady);

  return {
    pause: (at) => {
      const ownership = owned.get(keyOf(at));
      if (!ownership || ownership.held) return;
      ownership.held = true;
      if (ownership.ready) proxy.pause([at]);
    },
    resume: (at) => {
      const ownership = owned.get(keyOf(at));
      if (!ownership?.held) return;
      ownership.held = false;
      if (ownership.ready && !ownership.resting) letRead(ownership);
    },
    hurry: (at) => {
      const ownership = owned.get(keyOf(at));
      if (ownership) endRest(ownership);
    },
    skip: ({ from, to, ...at }) => {
      const ownership = owned.get(keyOf(at));
      if (!ownership?.ready || ownership.next === undefined) return;
      if (ownership.next < from || ownership.next >= to) return;
      ownership.skippedFrom ??= ownership.next;
      ownership.next = to;
    },
    rewind: (at) => {
      const ownership = owned.get(keyOf(at));
      if (!ownership?.ready) return;
      ownership.next = at.offset;
      proxy.seek(at);
    },
    commit: async (offsets) => {
      const mine = offsets.filter((each) => owned.get(keyOf(each))?.ready);
      if (mine.length === 0) return;
      await proxy.commit(mine.map((each) => ({ ...each, metadata: each.metadata ?? '' })));
      for (const each of mine) {
        const ownership = owned.get(keyOf(each));
        if (ownership) ownership.restartsAt = each.offset;
      }
    },
    owned: () => [...owned.values()].map((each) => each.at),
    close: async () => {
      closed = true;
      await proxy.close();
    },
  };
};
