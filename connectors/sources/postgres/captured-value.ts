import type { ColumnValue } from '../../../schemas/config.ts';
import type { KeyValue } from '../../../schemas/document-id.ts';
import { type ArrayElement, parseArrayText } from './array-text.ts';
import { hstoreJson } from './hstore-json.ts';
import { isoInterval } from './interval-text.ts';

export interface ColumnType {
  /** As pg_type has it: `int4`. Of an array, its elements'. */
  readonly name: string;
  readonly isArray: boolean;
}

/** As a streamed change has them, Java's own way with the end of time; a timestamptz keeps the word. */
const INFINITE: Readonly<Record<string, string>> = {
  'date infinity': '+5877611-06-21Z',
  'date -infinity': '-5877611-06-22Z',
  'timestamp infinity': '+292278994-08-16T23:00:00Z',
  'timestamp -infinity': '-292275055-05-16T23:00:00Z',
  'date[] infinity': '+292278994-08-16Z',
  'date[] -infinity': '+292269055-12-02Z',
  'timestamp[] infinity': '+292278994-08-16T23:00:00Z',
  'timestamp[] -infinity': '-292275055-05-16T23:00:00Z',
  'timestamptz[] -infinity': '+292269055-12-02T23:00:00.000000Z',
};
const INFINITE_WORD = /^-?infinity$/;
/** Of columns that a key may have. */
const WORDS = new Map(
  ['date', 'timestamp'].flatMap((type) =>
    ['infinity', '-infinity'].map((word) => [INFINITE[`${type} ${word}`] ?? word, word] as const),
  ),
);

/** A value of a change's key as the server takes it back: the end of time by its word, as Java's is out of its range. */
export const keyText = (value: KeyValue): string => WORDS.get(String(value)) ?? String(value);

const MOST_FRACTION_DIGITS = 6;

/** `2026-11-21 14:33:46.5+00` → `2026-11-21T14:33:46.500000Z`, as many digits as the column keeps; sessions here are in UTC. */
const zonedText = (text: string, modifier: number): string => {
  const [whole = '', fraction = ''] = text
    .replace(' ', 'T')
    .replace(/\+00(:00)?$/, '')
    .split('.');
  const digits = modifier < 0 ? MOST_FRACTION_DIGITS : modifier;
  return `${whole}${digits > 0 ? `.${fraction.padEnd(digits, '0')}` : ''}Z`;
};

/** `-$1,234.50` → `-1234.50` */
const amount = (text: string): string => {
  const digits = text.replace(/[^\d.]/g, '');
  return /^[-(]/.test(text) ? `-${digits}` : digits;
};

const CLOCK = /^(\d+):(\d+):(\d+)(\.\d+)?([+-])(\d+)(?::(\d+))?(?::(\d+))?$/;
const DAY_SECONDS = 86_400;
const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** `14:03:06.5+02` → `12:03:06.5Z` */
const zonedClock = (text: string): string => {
  const [, hours, minutes, seconds, fraction = '', sign, ...offset] = CLOCK.exec(text) ?? [];
  if (sign === undefined) return text;
  const secondsOf = ([h = '0', m = '0', s = '0']: readonly (string | undefined)[]): number =>
    Number(h) * 3_600 + Number(m) * 60 + Number(s);
  const local = secondsOf([hours, minutes, seconds]);
  const shift = secondsOf(offset) * (sign === '-' ? -1 : 1);
  // Midnight at the end of a day is kept where it is one in UTC.
  if (local === DAY_SECONDS && shift === 0) return `${text.slice(0, 8)}Z`;
  const utc = (local - shift + 2 * DAY_SECONDS) % DAY_SECONDS;
  const clock = [utc / 3_600, (utc / 60) % 60, utc % 60].map((part) => twoDigits(Math.floor(part)));
  return `${clock.join(':')}${fraction}Z`;
};

/** One bit as a truth, more as bytes: the lowest first, and none above the highest bit that is set. */
const bits = (text: string, modifier: number): ColumnValue => {
  if (modifier === 1) return text === '1';
  const digits = text.replace(/^0+/, '');
  const bytes = Buffer.alloc(Math.ceil(digits.length / 8));
  for (let at = 0; at < bytes.length; at += 1)
    bytes[at] = Number.parseInt(
      digits.slice(Math.max(0, digits.length - 8 * (at + 1)), digits.length - 8 * at),
      2,
    );
  return bytes;
};

const FRACTION = /(\.\d{1,3})\d*$/;
const instant = (text: string): string => `${text.replace(' ', 'T')}Z`;

const scalar = (text: string, name: string, modifier: number): ColumnValue => {
  switch (name) {
    case 'bool':
      return text === 't';
    case 'int2':
    case 'int4':
    case 'float8':
      return Number(text);
    case 'float4':
      return Math.fround(Number(text));
    case 'int8':
    case 'oid':
      return BigInt(text);
    case 'bytea':
      return Buffer.from(text.slice(2), 'hex');
    case 'date':
    case 'timestamp':
      return INFINITE[`${name} ${text}`] ?? instant(text);
    case 'time':
      return instant(text);
    case 'timestamptz':
      return INFINITE_WORD.test(text) ? text : zonedText(text, modifier);
    case 'timetz':
      return zonedClock(text);
    case 'bit':
    case 'varbit':
      return bits(text, modifier);
    case 'interval':
      return isoInterval(text);
    case 'money':
      return amount(text);
    case 'hstore':
      return hstoreJson(text);
    default:
      return text;
  }
};

/** Debezium keeps milliseconds of a time in an array, and of an array in an array that there is one. */
const element = (each: ArrayElement, name: string, modifier: number): ColumnValue => {
  if (typeof each !== 'string') return null;
  if (name === 'time')
    return instant(each.replace(FRACTION, (_, kept: string) => kept.replace(/\.?0*$/, '')));
  return INFINITE[`${name}[] ${each}`] ?? scalar(each, name, modifier);
};

/**
 * A value as the server writes it in a session of CAPTURED_SESSION → as a change carries it (time.precision.mode=isostring,
 * decimal.handling.mode=string, interval.handling.mode=string, hstore.handling.mode=json), so that a mapping makes the same
 * document of either. `modifier`: the column's, -1 for none. Pure.
 */
export const capturedValue = (text: string, { name, isArray }: ColumnType, modifier: number): ColumnValue =>
  isArray ? parseArrayText(text).map((each) => element(each, name, modifier)) : scalar(text, name, modifier);
