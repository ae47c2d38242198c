/**
 * A burst of deletes or of emptied texts: a script that went wrong, not what rows should become. Counted per table over a
 * sliding window of twelve buckets; past both limits the table is to be paused, before the rest of it empties the index.
 */
import type { GateSettings } from '../../schemas/gate-settings.ts';

export interface VolumeTable {
  readonly source: string;
  readonly table: string;
}
export type VolumeKind = 'deletes' | 'empty-texts';

export interface VolumeWatch {
  /** Counts one. Why to pause, or null. `now` in microseconds. */
  note(table: VolumeTable, kind: VolumeKind, limits: GateSettings['volume'], now: number): string | null;
  /** The table goes on: what was counted is forgotten. */
  forget(table: VolumeTable): void;
}

const BUCKETS = 12;

/** `documentsOf`: how many documents of the table are held; asked for only when `atLeast` is reached. */
export const createVolumeWatch = (documentsOf: (table: VolumeTable) => number): VolumeWatch => {
  const counts = new Map<string, Map<number, number>>();
  const keyOf = ({ source, table }: VolumeTable): string => `${source}/${table}`;
  const asked = new Map<string, number>();
  return {
    note: (table, kind, { windowMs, atLeast, share }, now) => {
      const key = `${keyOf(table)} ${kind}`;
      const width = (windowMs * 1_000) / BUCKETS;
      const bucket = Math.floor(now / width);
      const buckets = counts.get(key) ?? new Map<number, number>();
      counts.set(key, buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1));
      for (const old of buckets.keys()) if (old <= bucket - BUCKETS) buckets.delete(old);
      const count = [...buckets.values()].reduce((sum, each) => sum + each, 0);
      if (count < atLeast) {
        asked.delete(key);
        return null;
      }
      // What it held before the burst: asked once, when the first limit is reached.
      const held = asked.get(key) ?? documentsOf(table) + (kind === 'deletes' ? count - 1 : 0);
      asked.set(key, held);
      if (count < held * share) return null;
      const what = kind === 'deletes' ? 'deletes' : 'texts that became empty';
      return `volume: ${count} ${what} within ${windowMs / 1_000} s, of ${held} documents`;
    },
    forget: (table) => {
      for (const kind of ['deletes', 'empty-texts']) {
        counts.delete(`${keyOf(table)} ${kind}`);
        asked.delete(`${keyOf(table)} ${kind}`);
      }
    },
  };
};
