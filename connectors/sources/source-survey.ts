/** What a database says of itself before anything is captured from it: whether that can work, and what there is to capture. */

export type SurveyCheck = 'server' | 'log' | 'permission' | 'primary-key' | 'replica-identity';

export interface SurveyFinding {
  readonly check: SurveyCheck;
  /** Where it is one table's; capture of the others can go on without it. */
  readonly table?: string;
  readonly ok: boolean;
  /** What is so. */
  readonly said: string;
  /** What to run, or to set, where it is not ok. */
  readonly change?: string;
}

/**
 * What a column's values are once captured, whatever the database calls their type: `bigint` has 64 bits, `decimal`, `time`,
 * `uuid` and `json` come as text, `list` is an array.
 */
export type ColumnKind =
  | 'text'
  | 'integer'
  | 'bigint'
  | 'decimal'
  | 'float'
  | 'boolean'
  | 'time'
  | 'uuid'
  | 'json'
  | 'bytes'
  | 'list'
  | 'other';

export interface SurveyColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  /** As the database names it. */
  readonly type: string;
  readonly nullable: boolean;
  /** Longest text the type allows, where it sets a limit. */
  readonly maxLength?: number;
}

export interface SurveyTable {
  /** schema.table, as in freshet.config.ts */
  readonly name: string;
  /** An estimate of the database's own; null before it made one. */
  readonly rows: number | null;
  readonly primaryKey: readonly string[];
  readonly columns: readonly SurveyColumn[];
}

export const KEYLESS = 'has no primary key, so its rows cannot be told apart';

export interface SourceSurvey {
  /** Product and version. */
  readonly server: string;
  readonly findings: readonly SurveyFinding[];
  readonly tables: readonly SurveyTable[];
}
