/**
 * The forms of what Debezium writes in place of a value that an update left alone (TOAST): text, bytes, and by the type of
 * a Postgres column lists of those, of their bytes as integers, or of a UUID made of them, and an hstore as JSON. Source:
 * UnchangedToastedPlaceholder and UnchangedToastedReplicationMessageColumn of its Postgres connector. Pure.
 */
import type { ColumnValue } from '../../schemas/config.ts';
import { UNAVAILABLE } from './change.ts';

const BYTES = Buffer.from(UNAVAILABLE, 'latin1');
const TEXTS: ReadonlySet<string> = new Set([UNAVAILABLE, JSON.stringify({ [UNAVAILABLE]: UNAVAILABLE })]);
/** UUID.nameUUIDFromBytes of the placeholder. */
const UUID = 'b68a35a7-17ad-35b3-af2a-ae46edb4545a';

const isPlaceholder = (value: ColumnValue | undefined): boolean =>
  typeof value === 'string' ? TEXTS.has(value) : value instanceof Uint8Array && BYTES.equals(value);

const isListed = (list: readonly ColumnValue[]): boolean => {
  if (list.length === 1) return list[0] === UUID || isPlaceholder(list[0]);
  return (
    list.length === BYTES.length && list.every((each, at) => each !== null && Number(each) === BYTES[at])
  );
};

export const isUnavailable = (value: ColumnValue | undefined): boolean =>
  Array.isArray(value) ? isListed(value) : isPlaceholder(value);
