import type { ColumnKind } from '../source-survey.ts';

const BY_TYPE: Readonly<Record<string, ColumnKind>> = {
  smallint: 'integer',
  integer: 'integer',
  oid: 'bigint',
  bigint: 'bigint',
  numeric: 'decimal',
  money: 'decimal',
  real: 'float',
  'double precision': 'float',
  boolean: 'boolean',
  uuid: 'uuid',
  json: 'json',
  jsonb: 'json',
  bytea: 'bytes',
  xml: 'text',
  citext: 'text',
  hstore: 'json',
  interval: 'time',
};

/** What the connector makes of a type, by its name and pg_type's category (S: text, D: time, A: array, E: enum). Pure. */
export const postgresColumnKind = (type: string, category: string): ColumnKind => {
  if (category === 'A') return 'list';
  const known = BY_TYPE[type];
  if (known !== undefined) return known;
  if (category === 'D') return 'time';
  return category === 'S' || category === 'E' ? 'text' : 'other';
};
