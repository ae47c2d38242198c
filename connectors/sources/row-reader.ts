import type { Row } from '../../schemas/config.ts';
import type { KeyValue } from '../../schemas/document-id.ts';

/** Reads stored values of single rows: what an update left out because it left it alone (TOAST, rule G). */
export interface RowReader {
  /**
   * The columns as they are now, with the types that a change gives them; undefined where no row has the key. Errors: `source-unavailable`;
   * `table-unreadable` where the database answers that table or column is gone or not to be read: asking again changes nothing.
   */
  read(
    table: string,
    key: Readonly<Record<string, KeyValue>>,
    columns: readonly string[] | '*',
  ): Promise<Row | undefined>;
  close(): Promise<void>;
}
