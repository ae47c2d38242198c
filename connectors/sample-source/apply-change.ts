import type { ClientBase } from 'pg';
import { nextLongDocumentShape, type PlannedChange } from './editor-plan.ts';
import { insertRows } from './insert-rows.ts';
import { longDocument, shapeOfLongDocument } from './long-document.ts';
import { reviseText } from './revise-text.ts';
import { deletableCondition, LONG_DOCUMENT_ID, rowOfPlace } from './row-numbers.ts';
import { sampleRow } from './sample-row.ts';
import type { SampleTable } from './sample-rows.ts';

const textColumn = {
  articles: 'body',
  products: 'summary',
  incidents: 'description',
} as const satisfies Record<SampleTable, string>;

const otherColumn = {
  articles: 'views = views + 1 + (random() * 9)::int',
  products: 'price = round(price * (0.9 + random()::numeric * 0.2), 2)',
  incidents: `severity = CASE severity WHEN 'minor' THEN 'major' WHEN 'major' THEN 'critical' ELSE 'minor' END, updated_at = now()`,
} as const satisfies Record<SampleTable, string>;

const statusStep = `, status = CASE status WHEN 'investigating' THEN 'identified' WHEN 'identified' THEN 'monitoring' ELSE 'resolved' END,
  resolved_at = CASE WHEN status = 'monitoring' THEN now() ELSE resolved_at END`;

/** The first row at or after a place in the table that meets a condition. */
const rowAt = (table: SampleTable, condition: string): string =>
  `SELECT id FROM public.${table} WHERE id >= ceil($1::float8 * (SELECT max(id) FROM public.${table})) AND ${condition} ORDER BY id LIMIT 1`;

const ordinary = (table: SampleTable): string =>
  table === 'articles' ? `id <> ${LONG_DOCUMENT_ID}` : 'true';

const insert = async (client: ClientBase, seed: number, table: SampleTable): Promise<number | undefined> => {
  const { rows } = await client.query<{ id: string }>(`SELECT nextval('public.${table}_id_seq') AS id`);
  const id = Number(rows[0]?.id);
  const row = { ...sampleRow(seed, rowOfPlace(table, id)), updatedAt: new Date() };
  return (await insertRows(client, [row])) === 1 ? id : undefined;
};

const updateText = async (
  client: ClientBase,
  seed: number,
  step: number,
  change: PlannedChange,
): Promise<number | undefined> => {
  const { table, place } = change;
  const column = textColumn[table];
  const found = await client.query<{ id: string; text: string; version: string }>(
    `SELECT id, ${column} AS text, xmin::text AS version FROM public.${table} WHERE id = (${rowAt(table, ordinary(table))})`,
    [place],
  );
  const row = found.rows[0];
  if (row === undefined) return undefined;
  const { rowCount } = await client.query(
    `UPDATE public.${table} SET ${column} = $2, updated_at = now()${table === 'incidents' ? statusStep : ''} WHERE id = $1 AND xmin::text = $3`,
    [row.id, reviseText(row.text, seed, step), row.version],
  );
  return rowCount === 1 ? Number(row.id) : undefined;
};

const updateLongDocument = async (
  client: ClientBase,
  seed: number,
  step: number,
): Promise<number | undefined> => {
  const { rows } = await client.query<{ body: string }>('SELECT body FROM public.articles WHERE id = $1', [
    LONG_DOCUMENT_ID,
  ]);
  const body = rows[0]?.body;
  if (body === undefined) return undefined;
  const next = longDocument(seed, nextLongDocumentShape(seed, step, shapeOfLongDocument(body)));
  await client.query('UPDATE public.articles SET body = $2, updated_at = now() WHERE id = $1', [
    LONG_DOCUMENT_ID,
    next,
  ]);
  return LONG_DOCUMENT_ID;
};

const one = async (client: ClientBase, statement: string, place: number): Promise<number | undefined> => {
  const { rows } = await client.query<{ id: string }>(statement, [place]);
  const id = rows[0]?.id;
  return id === undefined ? undefined : Number(id);
};

/**
 * Makes a planned change, in a transaction of its own. Returns the id of the row, or nothing where no row was left at
 * that place or somebody else changed it in between. Throws what the database throws.
 */
export const applyChange = async (
  client: ClientBase,
  seed: number,
  step: number,
  change: PlannedChange,
): Promise<number | undefined> => {
  const { kind, table, place } = change;
  switch (kind) {
    case 'insert':
      return insert(client, seed, table);
    case 'update-text':
      return updateText(client, seed, step, change);
    case 'update-other':
      return one(
        client,
        `UPDATE public.${table} SET ${otherColumn[table]} WHERE id = (${rowAt(table, ordinary(table))}) RETURNING id`,
        place,
      );
    case 'delete':
      return one(
        client,
        `DELETE FROM public.${table} WHERE id = (${rowAt(table, deletableCondition(table))}) RETURNING id`,
        place,
      );
    case 'long-document':
      return updateLongDocument(client, seed, step);
    default:
      return kind satisfies never;
  }
};
