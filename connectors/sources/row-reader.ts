import type { Row } from '../../schemas/config.ts';
import type { KeyValue } from '../../schemas/document-id.ts';

/** Reads stored values of single rows: what an update left out because it left it alone (TOAST, rule G). */
export interface RowReader {
  /** The columns as text, as they are now; undefined where no row has the key. Errors: `source-unavailable`. */
  read(
    table: string,
    key: Readonly<Record<string, KeyValue>>,
    columns: readonly string[],
  ): Promise<Row | undefined>;
  close(): Promise<void>;
}
