/**
 * Of an array in an array Debezium sends nothing: null, or the name that Java gives the object, another at every change. The
 * name is made null too, so that a row is the same whenever it is captured, and no such name is indexed. Pure.
 */
import type { ColumnValue, Row } from '../../schemas/config.ts';

/** `[Ljava.lang.String;@417d65c6` */
const JAVA_ARRAY = /^\[+L[\w.$]+;@[0-9a-f]{1,8}$/;

const isNamed = (value: ColumnValue): boolean => typeof value === 'string' && JAVA_ARRAY.test(value);

export const withoutNestedLists = (row: Row): Row => {
  const named = Object.entries(row).filter(([, value]) => Array.isArray(value) && value.some(isNamed));
  if (named.length === 0) return row;
  const nulled = named.map(([column, value]) => [
    column,
    (value as readonly ColumnValue[]).map((each) => (isNamed(each) ? null : each)),
  ]);
  return { ...row, ...Object.fromEntries(nulled) };
};
