import type { RowScanner, ScannedRow } from '../../../connectors/sources/row-scanner.ts';

/** Of a table that has one row. */
export const scannerOf = (row: ScannedRow): RowScanner => ({
  keyColumns: async () => ['id'],
  page: async () => [row],
  rows: async () => [row],
  keys: async () => [row.key],
  close: async () => undefined,
});
