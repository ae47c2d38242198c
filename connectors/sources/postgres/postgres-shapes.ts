import type { TableShapes } from '../source-kind.ts';
import { shapesOf } from '../table-shapes.ts';
import { askPostgresOften } from './ask-postgres.ts';
import { identityTrouble, REPLICA_IDENTITIES, type ReplicaIdentity } from './replica-identity.ts';

const COLUMNS = `
  SELECT n.nspname || '.' || c.relname AS "table", c.oid::text AS identity, a.attname AS "column",
         format_type(a.atttypid, NULL) AS type, a.attgenerated = '' AS carried,
         (SELECT array_position(i.indkey::int2[], a.attnum) FROM pg_index i
           WHERE i.indrelid = c.oid AND i.indisprimary) AS place
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname || '.' || c.relname = ANY($1)
     AND c.relkind IN ('r', 'p')
     AND EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)`;

const IDENTITIES = `
  SELECT n.nspname || '.' || c.relname AS "table", ${REPLICA_IDENTITIES} AS identities
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname || '.' || c.relname = ANY($1) AND c.relkind IN ('r', 'p')`;

/**
 * Of tables that can be captured: that have a primary key, and a replica identity that names it. Lengths and precisions are left out: a
 * text that may be longer is the same text. Errors: `source-unavailable`.
 */
export const postgresShapes = async (
  { url }: { readonly url: string },
  tables: readonly string[],
): Promise<TableShapes> => {
  const [columns, identities] = await askPostgresOften(url, async (client) => [
    await client.query<Parameters<typeof shapesOf>[0][number]>(COLUMNS, [tables]),
    await client.query<{ table: string; identities: readonly ReplicaIdentity[] }>(IDENTITIES, [tables]),
  ]);
  const nameless = identities.rows
    .filter((each) => identityTrouble(each.identities))
    .map(({ table }) => table);
  return shapesOf(columns.rows.filter(({ table }) => !nameless.includes(table)));
};
