import type { ClientBase } from 'pg';
import type { ArticleRow, IncidentRow, ProductRow, SampleRow } from './sample-rows.ts';

const articleStatement = `
  INSERT INTO public.articles (id, tenant, title, category, body, product_id, views, updated_at)
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::int[], $8::timestamptz[])
  ON CONFLICT (id) DO NOTHING`;

const productStatement = `
  INSERT INTO public.products (id, tenant, name, summary, price, updated_at)
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::numeric[], $6::timestamptz[])
  ON CONFLICT (id) DO NOTHING`;

const incidentStatement = `
  INSERT INTO public.incidents (id, tenant, title, status, severity, description, updated_at, resolved_at)
  SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[])
  ON CONFLICT (id) DO NOTHING`;

const columns = <T>(rows: readonly T[], ...of: readonly ((row: T) => unknown)[]): unknown[][] =>
  of.map((read) => rows.map(read));

/** Inserts rows, each table's in one statement; a row whose id is taken is left out. Returns how many were new. */
export const insertRows = async (client: ClientBase, rows: readonly SampleRow[]): Promise<number> => {
  const articles = rows.filter((row): row is ArticleRow => row.table === 'articles');
  const products = rows.filter((row): row is ProductRow => row.table === 'products');
  const incidents = rows.filter((row): row is IncidentRow => row.table === 'incidents');
  let inserted = 0;
  const insert = async (statement: string, values: unknown[][]): Promise<void> => {
    if (values[0]?.length === 0) return;
    inserted += (await client.query(statement, values)).rowCount ?? 0;
  };
  await insert(
    articleStatement,
    columns(
      articles,
      (row) => row.id,
      (row) => row.tenant,
      (row) => row.title,
      (row) => row.category,
      (row) => row.body,
      (row) => row.productId,
      (row) => row.views,
      (row) => row.updatedAt,
    ),
  );
  await insert(
    productStatement,
    columns(
      products,
      (row) => row.id,
      (row) => row.tenant,
      (row) => row.name,
      (row) => row.summary,
      (row) => row.price,
      (row) => row.updatedAt,
    ),
  );
  await insert(
    incidentStatement,
    columns(
      incidents,
      (row) => row.id,
      (row) => row.tenant,
      (row) => row.title,
      (row) => row.status,
      (row) => row.severity,
      (row) => row.description,
      (row) => row.updatedAt,
      (row) => row.resolvedAt,
    ),
  );
  return inserted;
};
