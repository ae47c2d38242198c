/**
 * Newest version wins: the one decision that the index, its rebuild, and the owner of a partition share.
 * A fold over the records of one partition of freshet.documents in any order, with any repetition, ends the same (I1, I4, I5).
 */
import type { Document } from './records.ts';
import { compareVersions } from './version.ts';

/** What is held of a document: enough to order the next record. */
export interface Standing {
  readonly version: string;
}

export type Order = 'newer' | 'same' | 'older';

/** Where a record stands against what is held of its document and the floor of its table. */
export const orderOf = (version: string, held: Standing | undefined, floor: string | undefined): Order => {
  if (floor !== undefined && compareVersions(version, floor) < 0) return 'older';
  if (held === undefined) return 'newer';
  const order = compareVersions(version, held.version);
  return order > 0 ? 'newer' : order === 0 ? 'same' : 'older';
};

/** True where a record carries text and vectors to be found by search: a document, or a marker that keeps what was good before. */
export const isSearchable = (record: Pick<Document, 'kind' | 'stale'>): boolean =>
  record.kind === 'document' || record.stale !== null;

/** A marker without what it kept of before a floor: text that a truncate or a sweep took is not answered from, whichever came first. */
export const withoutOlderThan = (record: Document, floor: string | undefined): Document =>
  record.stale && floor !== undefined && record.stale.version < floor
    ? {
        ...record,
        ...{ title: '', text: '', metadata: {}, model: '', chunks: [], stale: null, fingerprint: null },
      }
    : record;
