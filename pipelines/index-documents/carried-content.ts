/**
 * What an update left out is taken from the last record (rule G), as if nothing stood between the two. A change between
 * them that comes late, shuffled or redriven, shows that something did: the row is read anew. Pure.
 */
import type { UpsertChange } from '../../connectors/debezium/change.ts';
import type { CarriedContent, Document } from '../../schemas/records.ts';
import { compareVersions, revisionAfter, type Version } from '../../schemas/version.ts';

export type Bearer = Pick<Document, 'version' | 'carried'>;

/** `last`: the document that the columns which the change left out are taken from. */
export const carryFrom = ({ unavailable }: UpsertChange, last: Bearer): CarriedContent => ({
  from: last.carried?.from ?? last.version,
  columns: [...new Set([...(last.carried?.columns ?? []), ...unavailable])],
});

/** True where a change older than `standing` sent columns of which that carries what they were before it. */
export const isCarriedOver = (change: UpsertChange, { version, carried }: Bearer): boolean =>
  carried !== null &&
  compareVersions(carried.from, change.version) < 0 &&
  compareVersions(change.version, version) < 0 &&
  carried.columns.some((column) => !change.unavailable.includes(column));

/** The change in whose place the whole row is read, just above what stands. */
export const readAnew = (change: UpsertChange, { version }: Bearer): UpsertChange => ({
  ...change,
  version: revisionAfter(version as Version),
  unavailable: Object.keys(change.row),
  unsure: true,
});
