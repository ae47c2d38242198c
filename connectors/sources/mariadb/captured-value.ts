import type { ColumnValue } from '../../../schemas/config.ts';

/** A column as information_schema has it. */
export interface ScannedColumn {
  readonly name: string;
  /** `int` */
  readonly type: string;
  /** `int(10) unsigned` */
  readonly full: string;
}

const BYTES = /^(?:bit|binary|varbinary|(?:tiny|medium|long)?blob)$/;

/** Whether its values are bytes; all others are read as text. */
export const isBytes = ({ type }: ScannedColumn): boolean => BYTES.test(type);

/** Of a fraction of a second. Debezium leaves them out, but not of a timestamp. */
const TRAILING_ZEROS = /(?<=\.\d*)0+$/;
const instant = (text: string): string => `${text.replace(' ', 'T').replace(/\.$/, '')}Z`;

/**
 * A value as the server gives it, in a session in UTC → as a change carries it (time.precision.mode=isostring,
 * decimal.handling.mode=string, bigint.unsigned.handling.mode=precise), so that a mapping makes the same document of either. Pure.
 */
export const capturedValue = (value: string | Buffer, { type, full }: ScannedColumn): ColumnValue => {
  if (typeof value !== 'string') {
    if (full === 'bit(1)') return value[0] === 1;
    // The lowest byte first.
    return type === 'bit' ? Buffer.from(value).reverse() : value;
  }
  switch (type) {
    case 'tinyint':
    case 'smallint':
    case 'mediumint':
    case 'year':
    case 'double':
      return Number(value);
    case 'float':
      return Math.fround(Number(value));
    case 'int':
      return full.includes('unsigned') ? BigInt(value) : Number(value);
    case 'bigint':
      return BigInt(value);
    case 'date':
    case 'timestamp':
      return instant(value);
    case 'time':
    case 'datetime':
      return instant(value.replace(TRAILING_ZEROS, ''));
    default:
      return value;
  }
};
