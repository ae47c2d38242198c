/** A Postgres database as `init` sees it, through the catalogue and with the rights of whoever asks. */
import type { ClientBase } from 'pg';
import { sourceNames } from '../../debezium/connector-config.ts';
import { KEYLESS, type SourceSurvey, type SurveyFinding, type SurveyTable } from '../source-survey.ts';
import { askPostgres } from './ask-postgres.ts';
import { postgresAddress } from './postgres-address.ts';
import { postgresColumnKind } from './postgres-column-kind.ts';
import { identityTrouble, REPLICA_IDENTITIES, type ReplicaIdentity } from './replica-identity.ts';
import { serverFinding } from './server-finding.ts';

type Place = { readonly source: string; readonly url: string };

export const surveyPostgres = async (place: Place): Promise<SourceSurvey> => {
  postgresAddress(place.url, place.source);
  return askPostgres(place.url, async (client) => {
    const server = await surveyServer(client, place.source);
    // An older server has no answer to what is asked of tables.
    const tables = server.ok ? await surveyTables(client) : [];
    return {
      server: server.name,
      findings: [...server.findings, ...tables.flatMap(({ findings }) => findings)],
      tables: tables.map(({ table }) => table),
    };
  });
};

interface ServerFacts {
  readonly version: string;
  readonly number: number;
  readonly wal_level: string;
  readonly slots: number;
  readonly slots_allowed: number;
  readonly slot_exists: boolean;
  readonly me: string;
  readonly database: string;
  readonly may_replicate: boolean;
  readonly may_create: boolean;
}

const SERVER = `
  SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
         current_setting('wal_level') AS wal_level,
         (SELECT count(*)::int FROM pg_replication_slots) AS slots,
         current_setting('max_replication_slots')::int AS slots_allowed,
         EXISTS (SELECT 1 FROM pg_replication_slots WHERE slot_name = $1) AS slot_exists,
         quote_ident(current_user) AS me, quote_ident(current_database()) AS database,
         -- Hosted databases lend the right by a role of their own.
         (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user)
           OR EXISTS (SELECT 1 FROM pg_roles WHERE rolname IN ('rds_replication', 'azure_pg_admin')
                                             AND pg_has_role(current_user, oid, 'MEMBER')) AS may_replicate,
         has_database_privilege(current_database(), 'CREATE') AS may_create`;

const surveyServer = async (client: ClientBase, source: string) => {
  const { rows } = await client.query<ServerFacts>(SERVER, [sourceNames(source).slot]);
  const facts = rows[0] as ServerFacts;
  const server = serverFinding(facts.version, facts.number);
  const findings: SurveyFinding[] = [
    server,
    facts.wal_level === 'logical'
      ? { check: 'log', ok: true, said: 'wal_level = logical' }
      : {
          ...{ check: 'log', ok: false },
          said: `wal_level = ${facts.wal_level}: its log does not say which rows changed`,
          change: 'ALTER SYSTEM SET wal_level = logical; then restart the database',
        },
    facts.slot_exists || facts.slots < facts.slots_allowed
      ? { check: 'log', ok: true, said: `${facts.slots} of ${facts.slots_allowed} replication slots in use` }
      : {
          ...{ check: 'log', ok: false },
          said: `all ${facts.slots_allowed} replication slots are in use, and capture needs one`,
          change: `ALTER SYSTEM SET max_replication_slots = ${facts.slots_allowed + 10}; then restart the database`,
        },
    facts.may_replicate
      ? { check: 'permission', ok: true, said: `${facts.me} may read the log` }
      : {
          ...{ check: 'permission', ok: false },
          said: `${facts.me} may not read the log`,
          change: `ALTER ROLE ${facts.me} REPLICATION;`,
        },
    facts.may_create
      ? { check: 'permission', ok: true, said: `${facts.me} may create a publication` }
      : {
          ...{ check: 'permission', ok: false },
          said: `${facts.me} may not create a publication and the schema freshet in this database`,
          change: `GRANT CREATE ON DATABASE ${facts.database} TO ${facts.me};`,
        },
  ];
  return { name: `PostgreSQL ${facts.version}`, ok: server.ok, findings };
};

interface TableFacts {
  readonly schema: string;
  readonly name: string;
  readonly quoted: string;
  readonly rows: string | null;
  readonly identities: readonly ReplicaIdentity[];
  readonly primary_key: readonly string[] | null;
  readonly may_select: boolean;
  readonly may_publish: boolean;
  readonly owner: string;
  readonly owner_may_all: boolean;
  readonly me: string;
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly nullable: boolean;
    readonly length: number | null;
    readonly category: string;
  }[];
}

/**
 * Partitions are left to their table, and what belongs to Freshet or to the database itself is nobody's source. The log does not carry
 * generated columns.
 */
const TABLES = `
  SELECT n.nspname AS schema, c.relname AS name, c.oid::regclass::text AS quoted,
         CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples::bigint::text END AS rows, ${REPLICA_IDENTITIES} AS identities,
         (SELECT array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))
            FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
           WHERE i.indrelid = c.oid AND i.indisprimary) AS primary_key,
         has_table_privilege(c.oid, 'SELECT') AS may_select,
         pg_has_role(current_user, c.relowner, 'USAGE') AS may_publish,
         quote_ident(pg_get_userbyid(c.relowner)) AS owner,
         (SELECT rolsuper FROM pg_roles WHERE oid = c.relowner) AS owner_may_all, quote_ident(current_user) AS me,
         (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL),
                   'nullable', NOT a.attnotnull, 'category', t.typcategory,
                   'length', CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN a.atttypmod - 4 END)
                 ORDER BY a.attnum)
            FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
           WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'freshet') AND n.nspname NOT LIKE 'pg_%'
     AND n.nspname NOT LIKE '%.%' AND c.relname NOT LIKE '%.%'
     AND has_schema_privilege(n.oid, 'USAGE')
   ORDER BY 1, 2`;

const surveyTables = async (client: ClientBase) => {
  const { rows } = await client.query<TableFacts>(TABLES);
  return rows.map((facts) => ({ table: tableOf(facts), findings: findingsOf(facts) }));
};

const tableOf = ({ schema, name, rows, primary_key, columns }: TableFacts): SurveyTable => ({
  name: `${schema}.${name}`,
  rows: rows === null ? null : Number(rows),
  primaryKey: primary_key ?? [],
  columns: (columns ?? []).map((column) => ({
    name: column.name,
    type: column.type,
    kind: postgresColumnKind(column.type, column.category),
    nullable: column.nullable,
    ...(column.length === null ? {} : { maxLength: column.length }),
  })),
});

const findingsOf = (facts: TableFacts): readonly SurveyFinding[] => {
  const table = `${facts.schema}.${facts.name}`;
  const findings: SurveyFinding[] = [];
  const wrong = (check: SurveyFinding['check'], said: string, change: string): void =>
    void findings.push({ check, table, ok: false, said, change });
  const trouble = facts.primary_key ? identityTrouble(facts.identities) : undefined;
  if (trouble) wrong('replica-identity', trouble.said, trouble.change);
  if (!facts.primary_key)
    wrong(
      'primary-key',
      KEYLESS,
      `ALTER TABLE ${facts.quoted} ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;`,
    );
  if (!facts.may_select)
    wrong('permission', `${facts.me} may not read it`, `GRANT SELECT ON ${facts.quoted} TO ${facts.me};`);
  if (!facts.may_publish)
    wrong(
      'permission',
      `${facts.me} may not publish it, as it belongs to ${facts.owner}`,
      // Nobody should get a superuser's rights for the sake of one table.
      facts.owner_may_all
        ? `ALTER TABLE ${facts.quoted} OWNER TO ${facts.me};`
        : `GRANT ${facts.owner} TO ${facts.me};`,
    );
  return findings;
};

/** Looked for among the first rows only: a guess is not worth a scan. */
export const postgresUsualValue = (
  { url }: Place,
  table: string,
  column: string,
): Promise<string | undefined> =>
  askPostgres(url, async (client) => {
    const name = table
      .split('.')
      .map((part) => client.escapeIdentifier(part))
      .join('.');
    const { rows } = await client.query<{ value: string }>(
      `SELECT value FROM (SELECT ${client.escapeIdentifier(column)}::text AS value FROM ${name} LIMIT 1000) AS first_rows
        WHERE value IS NOT NULL GROUP BY value ORDER BY count(*) DESC, value LIMIT 1`,
    );
    return rows[0]?.value;
  });
