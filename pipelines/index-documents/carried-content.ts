/**
 * What an update left out is taken from the last record (rule G), as if nothing stood between the two. A change between
 * them that comes late, shuffled or redriven, shows that something did: the row is read anew. Pure.
 */
import type { UpsertChange } from '../../connectors/debezium/change.ts';
import type { Row } from '../../schemas/config.ts';
import type { Document } from '../../schemas/records.ts';
import { compareVersions, revisionAfter, type Version } from '../../schemas/version.ts';

export type Bearer = Pick<Document, 'version' | 'carried'>;

/** By column, the version that sent it. `last`: the document that the columns which the change left out are taken from. */
export const carryFrom = ({ unavailable }: UpsertChange, last: Bearer): Bearer['carried'] =>
  Object.fromEntries(unavailable.map((column) => [column, last.carried[column] ?? last.version]));

/** A row as it is now, of the columns that its capture has: with others a mapping may make another document of it. */
export const asCaptured = (captured: Row, now: Row): Row =>
  Object.fromEntries(
    Object.entries(captured).map(([column, value]) => [
      column,
      column in now ? (now[column] ?? null) : value,
    ]),
  );

/** True where a change older than `standing` sent a column of which that carries what it was before. */
export const isCarriedOver = (change: UpsertChange, { version, carried }: Bearer): boolean =>
  compareVersions(change.version, version) < 0 &&
  Object.entries(carried).some(
    ([column, from]) => compareVersions(from, change.version) < 0 && !change.unavailable.includes(column),
  );

/** The change in whose place the row is read as it is now, just above what stands. */
export const readAnew = (change: UpsertChange, { version }: Bearer): UpsertChange => ({
  ...change,
  version: revisionAfter(version as Version),
  late: true,
});

/** The change taken through once more under `version`. A version that is none of its own is that of a row read anew in its place. */
export const againUnder = <Of extends { readonly kind: string; readonly version: Version }>(
  change: Of,
  version: Version,
): Of => ({
  ...change,
  version,
  ...(change.kind === 'upsert' && !version.startsWith(change.version) ? { late: true } : {}),
});
