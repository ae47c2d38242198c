/** One text for equal values: what hashes of decisions and states are made of (I10). */
import { hash } from 'node:crypto';
import { madeOnce } from './made-once.ts';

const ordered = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(ordered);
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Readonly<Record<string, unknown>>;
  // Without a prototype: a key named __proto__ stays a key.
  const sorted: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(record).sort()) sorted[key] = ordered(record[key]);
  return sorted;
};

/** JSON with the keys of every object in order; undefined members are left out, as JSON.stringify does. */
export const canonicalJson = (value: unknown): string => JSON.stringify(ordered(value)) ?? 'null';

/** sha256 of the canonical JSON, in hexadecimal. */
export const hashOf = (value: unknown): string => hash('sha256', canonicalJson(value), 'hex');

const hashOfObject = madeOnce((value: object): string => hashOf(value));

/** The same for an object that is never changed: hashed once, however often it is asked for. */
export const hashOnce = (value: unknown): string =>
  typeof value === 'object' && value !== null ? hashOfObject(value) : hashOf(value);
