import type { ClientBase } from 'pg';
import { z } from 'zod';
import { LONG_DOCUMENT_ID } from './row-numbers.ts';

const sourceRecord = z.object({ seed: z.number(), rows: z.number(), longDocumentId: z.number() });

/** What the database was filled with, up to which row. Kept as the comment of the table articles, where no capture of rows sees it. */
export type SourceRecord = z.infer<typeof sourceRecord>;

/** How far loading has come, or nothing where it never began. Throws what the database throws. */
export const readSourceRecord = async (client: ClientBase): Promise<SourceRecord | undefined> => {
  const { rows } = await client.query<{ comment: string | null }>(
    `SELECT obj_description(to_regclass('public.articles'), 'pg_class') AS comment`,
  );
  try {
    return sourceRecord.parse(JSON.parse(rows[0]?.comment ?? ''));
  } catch {
    return undefined;
  }
};

export const writeSourceRecord = async (
  client: ClientBase,
  record: { seed: number; rows: number },
): Promise<void> => {
  const text = JSON.stringify({ ...record, longDocumentId: LONG_DOCUMENT_ID } satisfies SourceRecord);
  await client.query(`COMMENT ON TABLE public.articles IS '${text.replaceAll("'", "''")}'`);
};
