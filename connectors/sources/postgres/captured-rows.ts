/** Rows of a query with the types that a change of them would carry. */
import type pg from 'pg';
import type { ColumnValue, Row } from '../../../schemas/config.ts';
import { type ColumnType, capturedValue } from './captured-value.ts';

/** What a pool is opened with for `openCapturedRows`: values are written in one way, whatever the server's settings. */
export const CAPTURED_SESSION =
  '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c extra_float_digits=1 -c bytea_output=hex';

/** An array's elements are of the type that names it as its own array: of int2vector, say, there are none. */
const TYPES = `
  select t.oid::text as oid, coalesce(e.typname, t.typname) as name, e.oid is not null as "isArray"
    from pg_type t left join pg_type e on e.oid = t.typelem and e.typarray = t.oid
   where t.oid = any($1::oid[])`;

const asItComes = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig;

/** Errors are those of the server, as they come. */
export const openCapturedRows = (
  pool: Pick<pg.Pool, 'query'>,
): ((text: string, values: readonly unknown[]) => Promise<readonly Row[]>) => {
  const types = new Map<number, ColumnType>();

  const learn = async (oids: readonly number[]): Promise<void> => {
    const unknown = oids.filter((oid) => !types.has(oid));
    if (unknown.length === 0) return;
    const { rows } = await pool.query<ColumnType & { readonly oid: string }>(TYPES, [unknown]);
    for (const { oid, name, isArray } of rows) types.set(Number(oid), { name, isArray });
  };

  return async (text, values) => {
    const { fields, rows } = await pool.query<Record<string, string | null>>({
      text,
      values: [...values],
      types: asItComes,
    });
    await learn(fields.map(({ dataTypeID }) => dataTypeID));
    return rows.map((held) => {
      const row: Record<string, ColumnValue> = {};
      for (const { name, dataTypeID, dataTypeModifier } of fields) {
        const value = held[name];
        const type = types.get(dataTypeID) ?? { name: 'text', isArray: false };
        row[name] = typeof value === 'string' ? capturedValue(value, type, dataTypeModifier) : null;
      }
      return row;
    });
  };
};
