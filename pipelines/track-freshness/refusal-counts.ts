/** Refused changes and dead letters of each source, for receipts: each record counted once, however often it is read. Pure. */
import type { Quarantined } from '../../schemas/records.ts';

export interface RefusalCount {
  readonly quarantined: number;
  readonly deadLettered: number;
}

export interface RefusalCounts {
  readonly bySource: ReadonlyMap<string, RefusalCount>;
  /** Next to be counted, by topic and partition: a follower that begins again reads everything once more. */
  readonly next: ReadonlyMap<string, number>;
}

export const NO_REFUSALS: RefusalCounts = { bySource: new Map(), next: new Map() };

/** What a record of freshet.quarantine adds: the records of a refusal's end, whoever ended it, are no refusals. */
export const isRefusal = ({ outcome }: Pick<Quarantined, 'outcome'>): boolean => outcome === 'refused';

export const withRefusal = (
  counts: RefusalCounts,
  {
    topic,
    partition,
    offset,
  }: { readonly topic: string; readonly partition: number; readonly offset: number },
  source: string | undefined,
  what: keyof RefusalCount,
): RefusalCounts => {
  const place = `${topic}:${partition}`;
  if (source === undefined || offset < (counts.next.get(place) ?? 0)) return counts;
  const count = counts.bySource.get(source) ?? { quarantined: 0, deadLettered: 0 };
  return {
    bySource: new Map(counts.bySource).set(source, { ...count, [what]: count[what] + 1 }),
    next: new Map(counts.next).set(place, offset + 1),
  };
};
