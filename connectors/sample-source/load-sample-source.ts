import { readFile } from 'node:fs/promises';
import type { ClientBase } from 'pg';
import { insertRows } from './insert-rows.ts';
import { LONG_DOCUMENT_ID } from './row-numbers.ts';
import { sampleRow } from './sample-row.ts';
import { SAMPLE_TABLES } from './sample-rows.ts';
import { connectToSource, sourceUnavailable } from './source-connection.ts';
import { readSourceRecord, writeSourceRecord } from './source-record.ts';

/** Rows of one transaction: large enough to be quick, small enough that a capture sees many transactions. */
const BATCH_ROWS = 500;

export type LoadRequest = {
  /** How many rows the three tables hold together: 70 % articles, 10 % products, 20 % incidents. */
  readonly rows: number;
  readonly seed: number;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
} & (
  | { readonly client: ClientBase }
  | { readonly url: string /** Breaks the load off. */; readonly signal?: AbortSignal }
);

export type LoadResult = {
  /** Rows that this call added: 0 when they were all there. */
  readonly inserted: number;
  /** The seed and the number of rows the source was filled with: those of an earlier load, where there was one. */
  readonly seed: number;
  readonly rows: number;
  readonly longDocumentId: number;
};

/** Whoever inserts without an id gets one above all that were loaded. */
const moveSequences = async (client: ClientBase): Promise<void> => {
  for (const table of SAMPLE_TABLES) {
    const last = `greatest(last_value, (SELECT coalesce(max(id), 1) FROM public.${table}))`;
    await client.query(`SELECT setval('public.${table}_id_seq', ${last}) FROM public.${table}_id_seq`);
  }
};

const loadRange = async (
  client: ClientBase,
  seed: number,
  from: number,
  request: LoadRequest,
): Promise<number> => {
  let inserted = 0;
  let writing: Promise<void> = Promise.resolve();
  const write = async (first: number, end: number): Promise<void> => {
    const rows = Array.from({ length: end - first }, (_, index) => sampleRow(seed, first + index));
    // The next batch is written out in English while the database takes this one.
    await writing;
    writing = (async () => {
      await client.query('BEGIN');
      inserted += await insertRows(client, rows);
      await moveSequences(client);
      await writeSourceRecord(client, { seed, rows: end });
      await client.query('COMMIT');
      request.onProgress?.({ done: end, total: request.rows });
    })();
    writing.catch(() => undefined);
  };
  for (let first = from; first < request.rows; first += BATCH_ROWS) {
    await write(first, Math.min(first + BATCH_ROWS, request.rows));
  }
  await writing;
  return inserted;
};

const load = async (client: ClientBase, request: LoadRequest): Promise<LoadResult> => {
  try {
    return await loadMissing(client, request);
  } catch (thrown) {
    await client.query('ROLLBACK').catch(() => undefined);
    throw sourceUnavailable('Loading the sample source', thrown);
  }
};

const loadMissing = async (client: ClientBase, request: LoadRequest): Promise<LoadResult> => {
  const record = await readSourceRecord(client);
  const seed = record?.seed ?? request.seed;
  if (record !== undefined && record.rows >= request.rows) {
    return { inserted: 0, seed, rows: record.rows, longDocumentId: LONG_DOCUMENT_ID };
  }
  await client.query(await readFile(new URL('./schema.sql', import.meta.url), 'utf8'));
  const inserted = await loadRange(client, seed, record?.rows ?? 0, request);
  return { inserted, seed, rows: request.rows, longDocumentId: LONG_DOCUMENT_ID };
};

/**
 * Fills a database with the sample source. Safe to call again: rows that are there stay as they are, rows that were
 * deleted stay deleted, an interrupted load is finished, and a larger number of rows adds the difference. An earlier
 * load's seed stands. Throws `source-unavailable`.
 */
export const loadSampleSource = async (request: LoadRequest): Promise<LoadResult> => {
  if ('client' in request) return load(request.client, request);
  const connection = await connectToSource(request.url, request.signal);
  try {
    return await load(connection.client, request);
  } finally {
    await connection.close();
  }
};
