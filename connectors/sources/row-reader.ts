import type { Row } from '../../schemas/config.ts';
import type { KeyValue } from '../../schemas/document-id.ts';

/** Reads single rows as they are now: for what an update left out because it left it alone (TOAST, rule G). */
export interface RowReader {
  /**
   * The whole row, with the types that a change gives its columns: of some columns alone, a text of now would stand beside the tenant of
   * before. Undefined where no row has the key. Errors: `source-unavailable`; `table-unreadable` where the database answers that the table is
   * gone or not to be read, or that none of its rows can have such a key: asking again changes nothing.
   */
  read(table: string, key: Readonly<Record<string, KeyValue>>): Promise<Row | undefined>;
  close(): Promise<void>;
}
