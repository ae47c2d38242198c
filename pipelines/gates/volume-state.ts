/**
 * A burst of deletes or of emptied rows (no text, no tenant, or nothing that a document can be made of): a script that went
 * wrong, not what rows should become. Counted per table over a sliding window of twelve buckets; past both limits the table is
 * to be paused, before the rest of it empties the index.
 */
import type { GateSettings } from '../../schemas/gate-settings.ts';

export interface VolumeTable {
  readonly source: string;
  readonly table: string;
}
export type VolumeKind = 'deletes' | 'emptied-rows';

export interface NotedChange {
  /** Microseconds since the Unix epoch. */
  readonly at: number;
  /** In the change topic of the source. */
  readonly position: { readonly partition: number; readonly offset: number };
}

export interface VolumeWatch {
  /**
   * Counts one, by the time it was committed: a backlog of hours is no burst. A change that comes again, as a batch is tried
   * again, counts once. Why to pause, or null.
   */
  note(
    table: VolumeTable,
    kind: VolumeKind,
    limits: GateSettings['volume'],
    change: NotedChange,
  ): string | null;
  /** The table goes on: what was counted is forgotten. */
  forget(table: VolumeTable): void;
}

const BUCKETS = 12;
/** Records of a partition that may come again. */
const MOST_AGAIN = 10_000;

/** `documentsOf`: how many documents of the table are held; asked for only when `atLeast` is reached. */
export const createVolumeWatch = (documentsOf: (table: VolumeTable) => number): VolumeWatch => {
  const counts = new Map<string, Map<number, number>>();
  const keyOf = ({ source, table }: VolumeTable): string => `${source}/${table}`;
  const asked = new Map<string, number>();
  /** By source and partition: the offset of the last change counted. */
  const counted = new Map<string, number>();
  return {
    note: (table, kind, { windowMs, atLeast, share }, { at, position: { partition, offset } }) => {
      const key = `${keyOf(table)} ${kind}`;
      const width = (windowMs * 1_000) / BUCKETS;
      const bucket = Math.floor(at / width);
      const buckets = counts.get(key) ?? new Map<number, number>();
      const place = `${table.source} ${partition}`;
      const last = counted.get(place) ?? -1;
      // A batch tried again goes back a little; a topic made anew goes back to its beginning.
      if (offset > last || offset < last - MOST_AGAIN) {
        counted.set(place, offset);
        counts.set(key, buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1));
      }
      // Partitions are read at their own pace: what counts is the window that ends where this change stands.
      for (const old of buckets.keys()) if (old <= bucket - 2 * BUCKETS) buckets.delete(old);
      let count = 0;
      for (const [when, each] of buckets) if (when > bucket - BUCKETS && when <= bucket) count += each;
      if (count < atLeast) {
        asked.delete(key);
        return null;
      }
      // What it held before the burst: asked once, when the first limit is reached.
      const held = asked.get(key) ?? documentsOf(table) + (kind === 'deletes' ? count - 1 : 0);
      asked.set(key, held);
      if (count < held * share) return null;
      const what =
        kind === 'deletes' ? 'deletes' : 'rows that lost their text or tenant, or that the mapping fails on,';
      return `volume: ${count} ${what} within ${windowMs / 1_000} s, of ${held} documents`;
    },
    forget: (table) => {
      for (const kind of ['deletes', 'emptied-rows']) {
        counts.delete(`${keyOf(table)} ${kind}`);
        asked.delete(`${keyOf(table)} ${kind}`);
      }
    },
  };
};
