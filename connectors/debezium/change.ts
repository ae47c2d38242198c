/** A change as captured, whatever its database: what pipelines hold on to. */

import type { Row } from '../../schemas/config.ts';
import type { KeyValue } from '../../schemas/document-id.ts';
import type { Version } from '../../schemas/version.ts';

export type Change = UpsertChange | DeleteChange | TruncateChange;

interface ChangeFacts {
  /** schema.table */
  readonly table: string;
  readonly version: Version;
  /** Microseconds since the Unix epoch: commit in the source, and when Debezium had it. */
  readonly committedAt: number;
  readonly capturedAt: number;
}

export interface UpsertChange extends ChangeFacts {
  readonly kind: 'upsert';
  readonly key: Readonly<Record<string, KeyValue>>;
  readonly row: Row;
  /** By a snapshot: the row as it stood. Otherwise streamed: the row as someone left it. */
  readonly read: boolean;
  /** Columns whose stored value was not sent, as the update left it alone (TOAST). */
  readonly unavailable: readonly string[];
  /** What the last record holds of those may be old: some may have been set to null (silent-lists.ts), or the key is a changed one. */
  readonly unsure?: true;
  /** It came late, and what it says is of no use: the whole row is to be read. */
  readonly late?: true;
}

export interface DeleteChange extends ChangeFacts {
  readonly kind: 'delete';
  readonly key: Readonly<Record<string, KeyValue>>;
}

export interface TruncateChange extends ChangeFacts {
  readonly kind: 'truncate';
}

/** What Debezium writes in place of a TOASTed value that an update left alone. */
export const UNAVAILABLE = '__debezium_unavailable_value';
