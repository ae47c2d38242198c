/** The watermarks of one index: what the tracker published, held against what this index has applied (rule W). */
import { followTopics } from '../../connectors/kafka/follow-topic.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { knownOffset } from '../../connectors/sources/clock-skew.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { HeldTable, WatermarkPoint } from '../../schemas/records.ts';
import { type SourceWatermark, UNTRACKED, type Watermark } from '../../schemas/search.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { advance, type Coverage, inOwnTime, type PositionOf, withPoint } from './coverage-state.ts';

export interface Watermarks {
  /** As of now, of every source that counts; unknown where nothing was published of it. */
  all(): Readonly<Record<string, SourceWatermark>>;
  /** The clock of a source less ours, microseconds; 0 where they are not known to be apart. */
  clockOffset(source: string): number;
  /** To be told that this index has applied more. */
  applied(): void;
  /** True once every point that stood in the log at the start is known. */
  current(): boolean;
  close(): Promise<void>;
}

export interface WatermarksSettings {
  readonly name: string;
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly clock: Clock;
  /** Of freshet.documents: next offset to apply. */
  readonly positionOf: PositionOf;
  /** Only these sources count; all that have a point where left out. */
  readonly sources?: readonly string[];
  /** A watermark may have moved. */
  readonly onChange: () => void;
  readonly onTrouble: (error: Error) => void;
}

/** A point waits this long at the broker at most, where nothing else comes. */
const MAX_WAIT_MS = 200;

const stalenessOf = (observedAt: number, now: number): number | null =>
  observedAt > 0 ? Math.max(0, (now - observedAt) / 1_000) : null;

const heldWatermark = (epoch: number, held: HeldTable, now: number): Watermark => ({
  state: held.position === null ? 'unknown' : 'known',
  reason: held.reason,
  epoch,
  position: held.position,
  committedAt: held.committedAt || null,
  stalenessMs: held.position === null ? null : stalenessOf(held.observedAt, now),
});

/** What a coverage says at a moment. Pure. */
export const watermarkOf = ({ newest, covered }: Coverage, now: number): SourceWatermark => {
  const known = newest.state === 'known' ? covered : null;
  return {
    state: known ? 'known' : 'unknown',
    reason: known ? null : (newest.reason ?? 'index-behind'),
    epoch: newest.epoch,
    position: known?.position ?? null,
    committedAt: known?.committedAt || null,
    stalenessMs: known ? stalenessOf(known.observedAt, now) : null,
    heldTables: Object.fromEntries(
      (known ?? newest).heldTables.map((held) => [held.table, heldWatermark(newest.epoch, held, now)]),
    ),
    quarantined: newest.quarantined,
    deadLettered: newest.deadLettered,
  };
};

export const openWatermarks = async (settings: WatermarksSettings): Promise<Watermarks> => {
  const { codec, clock, positionOf, sources } = settings;
  const coverages = new Map<string, Coverage>();

  const applied = (): void => {
    let moved = false;
    for (const [source, coverage] of coverages) {
      const next = advance(coverage, positionOf);
      if (next === coverage) continue;
      coverages.set(source, next);
      moved = true;
    }
    if (moved) settings.onChange();
  };

  const take = (point: WatermarkPoint): void => {
    if (sources && !sources.includes(point.source)) return;
    coverages.set(point.source, withPoint(coverages.get(point.source), inOwnTime(point, clock())));
    applied();
  };

  const follower = await followTopics(settings.kafka, {
    topics: [TOPICS.watermarks.name],
    name: `watermarks.${settings.name}`,
    maxWaitMs: MAX_WAIT_MS,
    onRecord: async (record) => {
      if (record.value !== null) take(await codec.decode('WatermarkPoint', record.value));
    },
    onTrouble: settings.onTrouble,
  });
  return {
    all: () => {
      applied();
      const now = clock();
      return Object.fromEntries(
        (sources ?? [...coverages.keys()]).map((source) => {
          const coverage = coverages.get(source);
          return [source, coverage ? watermarkOf(coverage, now) : UNTRACKED];
        }),
      );
    },
    clockOffset: (source) => {
      const newest = coverages.get(source)?.newest;
      return newest ? knownOffset(newest.clockOffsetMicros, newest.clockErrorMicros) : 0;
    },
    applied,
    current: follower.current,
    close: follower.close,
  };
};
