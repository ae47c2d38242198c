import type { ColumnKind } from '../source-survey.ts';

const BY_TYPE: Readonly<Record<string, ColumnKind>> = {
  tinyint: 'integer',
  smallint: 'integer',
  mediumint: 'integer',
  int: 'integer',
  year: 'integer',
  bigint: 'bigint',
  decimal: 'decimal',
  float: 'float',
  double: 'float',
  date: 'time',
  datetime: 'time',
  timestamp: 'time',
  time: 'time',
  uuid: 'uuid',
  json: 'json',
  char: 'text',
  varchar: 'text',
  tinytext: 'text',
  text: 'text',
  mediumtext: 'text',
  longtext: 'text',
  enum: 'text',
  set: 'text',
  binary: 'bytes',
  varbinary: 'bytes',
  tinyblob: 'bytes',
  blob: 'bytes',
  mediumblob: 'bytes',
  longblob: 'bytes',
};

/** What the connector makes of a type, by its name and its full form (`int(10) unsigned`). Pure. */
export const mariadbColumnKind = (type: string, full: string): ColumnKind => {
  // Beyond what a signed 32-bit integer holds: captured with 64 bits.
  if (type === 'int' && /unsigned/.test(full)) return 'bigint';
  if (type === 'bit') return full === 'bit(1)' ? 'boolean' : 'bytes';
  return BY_TYPE[type] ?? 'other';
};
