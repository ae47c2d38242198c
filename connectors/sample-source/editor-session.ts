import type { RowLimits } from './editor-plan.ts';
import { SAMPLE_TABLES } from './sample-rows.ts';
import { connectToSource, type SourceConnection } from './source-connection.ts';
import { readSourceRecord } from './source-record.ts';

/** A connection and what its editor has to know of the tables. */
export type EditorSession = SourceConnection & {
  rows: number;
  /** Grows with the ids, so that an editor started again does not repeat what it did before. */
  readonly firstStep: number;
  readonly limits: RowLimits;
};

/** Connects and counts. Throws `source-unavailable`, or what the database throws when the tables are missing. */
export const openEditorSession = async (
  url: string,
  wishedFloor: number | undefined,
  signal: AbortSignal,
): Promise<EditorSession> => {
  const connection = await connectToSource(url, signal);
  try {
    const record = await readSourceRecord(connection.client);
    let rows = 0;
    let firstStep = 0;
    for (const table of SAMPLE_TABLES) {
      const counted = await connection.client.query<{ rows: number; last: number }>(
        `SELECT count(*)::int AS rows, coalesce(max(id), 0)::int AS last FROM public.${table}`,
      );
      rows += counted.rows[0]?.rows ?? 0;
      firstStep += counted.rows[0]?.last ?? 0;
    }
    const base = record?.rows ?? rows;
    const floor = wishedFloor ?? Math.floor(base * 0.9);
    return {
      ...connection,
      rows,
      firstStep,
      limits: { floor, ceiling: Math.max(Math.ceil(base * 1.2), floor + 10) },
    };
  } catch (thrown) {
    await connection.close();
    throw thrown;
  }
};
