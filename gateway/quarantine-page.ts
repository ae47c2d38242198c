/**
 * What stands in quarantine, a page at a time, oldest first, from a stretch of freshet.quarantine: of each document its newest
 * record counts. Pure but for being kept in place; whole records are held of some two pages, of the rest an id and an offset.
 */
import type { Quarantined } from '../schemas/records.ts';

export interface QuarantinePage {
  readonly items: readonly Quarantined[];
  /** That match, beyond these. */
  readonly more: number;
  /** Offset that the next page is read from; null after the last. */
  readonly next: number | null;
}

export interface QuarantinePageSettings {
  readonly matches: (record: Quarantined) => boolean;
  /** What was refused at or after this offset is no part of it: it may be what a decision of an earlier page has led to. */
  readonly before: number;
  readonly most: number;
}

export const createQuarantinePage = ({ matches, before, most }: QuarantinePageSettings) => {
  /** Oldest first. */
  const standing = new Map<string, number>();
  const held = new Map<string, Quarantined>();
  return {
    /** In the order of the log, up to its end: what came later may have ended a refusal. */
    add: (offset: number, record: Quarantined): void => {
      const { documentId } = record;
      standing.delete(documentId);
      held.delete(documentId);
      if (record.outcome !== 'refused' || offset >= before || !matches(record)) return;
      standing.set(documentId, offset);
      // More than a page, as some of it will have ended.
      if (held.size < 2 * most) held.set(documentId, record);
    },
    page: (): QuarantinePage => {
      const items: Quarantined[] = [];
      let next: number | null = null;
      for (const [documentId, offset] of standing) {
        const record = held.get(documentId);
        if (!record || items.length === most) {
          next = offset;
          break;
        }
        items.push(record);
      }
      return { items, more: standing.size - items.length, next };
    },
  };
};
