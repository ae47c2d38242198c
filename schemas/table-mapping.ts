/** How the rows of a table become documents. */
import type { GateOverrides } from './gate-settings.ts';

/** A column's value as captured: 64-bit integers as bigint, decimals and times as text, bytes as bytes. */
export type ColumnValue = string | number | bigint | boolean | Uint8Array | null | readonly ColumnValue[];
export type Row = Readonly<Record<string, ColumnValue>>;

/** How rows of one table become documents. Functions must be pure: the same row gives the same document. */
export interface TableMapping<Of extends Row = Row> {
  readonly title: (row: Of) => string;
  readonly text: (row: Of) => string;
  /** Who may see it. A document of another tenant is never found. */
  readonly tenant: (row: Of) => string;
  /** Filterable by equality in a search. */
  readonly metadata?: (row: Of) => Readonly<Record<string, string | number | bigint | boolean | null>>;
  /** Where the table's gates differ from the configuration's. */
  readonly gates?: GateOverrides;
}
