import type { Row } from '../../schemas/config.ts';
import type { KeyValue } from '../../schemas/document-id.ts';

/** A row as a change of it would carry it: the same columns, the same types. */
export interface ScannedRow {
  /** In the order of the primary key. */
  readonly key: Readonly<Record<string, KeyValue>>;
  readonly row: Row;
}

/** The key as a change's own has it: bytes in base64. */
export const keyOfRow = (row: Row, columns: readonly string[]): ScannedRow['key'] =>
  Object.fromEntries(
    columns.map((name) => {
      const value = row[name];
      return [name, Buffer.isBuffer(value) ? value.toString('base64') : (value as KeyValue)];
    }),
  );

/** Reads tables as they are now, for comparing. Every method: `source-unavailable`, `config-invalid` without a primary key. */
export interface RowScanner {
  /** The next rows of a table in the order of its key, after one; fewer than asked for at the end. */
  page(table: string, after: ScannedRow['key'] | undefined, limit: number): Promise<readonly ScannedRow[]>;
  /** Those of the keys that have a row. Keys hold text, as in a document id. */
  rows(table: string, keys: readonly (readonly string[])[]): Promise<readonly ScannedRow[]>;
  /** Keys of those rows alone. */
  keys(table: string, keys: readonly (readonly string[])[]): Promise<readonly ScannedRow['key'][]>;
  /** Columns of the primary key, in its order. */
  keyColumns(table: string): Promise<readonly string[]>;
  close(): Promise<void>;
}
