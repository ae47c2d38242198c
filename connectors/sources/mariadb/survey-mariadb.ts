/** A MariaDB server as `init` sees it, through information_schema and with the rights of whoever asks. */
import type { Connection } from 'mariadb';
import { KEYLESS, type SourceSurvey, type SurveyFinding, type SurveyTable } from '../source-survey.ts';
import { binlogFindings, serverName } from './binlog-findings.ts';
import { accountOf, grantFindings, surelyReadable } from './grant-findings.ts';
import { mariadbColumnKind } from './mariadb-column-kind.ts';
import { mariadbAddress, withMariaDb } from './mariadb-connection.ts';
import { readVariables } from './server-variables.ts';

type Place = { readonly source: string; readonly url: string };

export const surveyMariaDb = async ({ source, url }: Place): Promise<SourceSurvey> => {
  const { database } = mariadbAddress(url, source);
  return withMariaDb(url, async (connection) => {
    const variables = await readVariables(connection);
    const [me] = await connection.query<{ user: string }[]>('select current_user() as user');
    const granted = await connection.query<Record<string, string>[]>('show grants');
    const grants = granted.flatMap((row) => Object.values(row));
    const tables = await surveyTables(connection, database);
    return {
      server: serverName(variables),
      findings: [
        ...binlogFindings(variables),
        ...grantFindings(me?.user ?? '', grants),
        ...(await tableFindings(connection, tables, grants, accountOf(me?.user ?? ''))),
      ],
      tables,
    };
  });
};

interface ColumnFacts {
  readonly schema: string;
  readonly name: string;
  readonly rows: bigint | null;
  readonly column: string;
  readonly type: string;
  readonly full: string;
  readonly nullable: string;
  readonly length: bigint | null;
  readonly position: bigint | null;
}

const COLUMNS = `
  select t.table_schema as \`schema\`, t.table_name as name, t.table_rows as \`rows\`, c.column_name as \`column\`,
         c.data_type as type, c.column_type as full, c.is_nullable as nullable, c.character_maximum_length as length,
         k.seq_in_index as position
    from information_schema.tables t
    join information_schema.columns c on c.table_schema = t.table_schema and c.table_name = t.table_name
    left join information_schema.statistics k
      on k.table_schema = t.table_schema and k.table_name = t.table_name and k.index_name = 'PRIMARY' and k.column_name = c.column_name
   where t.table_type = 'BASE TABLE' and t.table_schema not in ('mysql', 'sys', 'information_schema', 'performance_schema', 'freshet')
     and (? = '' or t.table_schema = ?) and t.table_name not like '%.%' and t.table_schema not like '%.%'
   order by t.table_schema, t.table_name, c.ordinal_position`;

const surveyTables = async (connection: Connection, database: string): Promise<readonly SurveyTable[]> => {
  const rows = await connection.query<ColumnFacts[]>(COLUMNS, [database, database]);
  const byTable = new Map<string, ColumnFacts[]>();
  for (const row of rows) {
    const table = `${row.schema}.${row.name}`;
    byTable.set(table, [...(byTable.get(table) ?? []), row]);
  }
  return [...byTable].map(([name, columns]) => ({
    name,
    rows: columns[0]?.rows === null ? null : Number(columns[0]?.rows),
    primaryKey: columns
      .filter((column) => column.position !== null)
      .sort((a, b) => Number(a.position) - Number(b.position))
      .map(({ column }) => column),
    columns: columns.map((facts) => ({
      name: facts.column,
      type: facts.full,
      kind: mariadbColumnKind(facts.type, facts.full),
      nullable: facts.nullable === 'YES',
      // A number only where it was chosen: every text type has a limit of its own.
      ...(facts.length !== null && /char$/.test(facts.type) ? { maxLength: Number(facts.length) } : {}),
    })),
  }));
};

/** A table is in the list as soon as any right to it is held: whether it may be read is tried, where no grant says that it may. */
const tableFindings = async (
  connection: Connection,
  tables: readonly SurveyTable[],
  grants: readonly string[],
  account: string,
): Promise<readonly SurveyFinding[]> => {
  const findings: SurveyFinding[] = [];
  const granted = surelyReadable(
    grants,
    tables.map(({ name }) => name),
  );
  for (const { name: table, primaryKey } of tables) {
    const quoted = table
      .split('.')
      .map((part) => connection.escapeId(part))
      .join('.');
    if (primaryKey.length === 0)
      findings.push({
        ...{ check: 'primary-key', table, ok: false, said: KEYLESS },
        change: `ALTER TABLE ${quoted} ADD COLUMN id bigint unsigned AUTO_INCREMENT PRIMARY KEY;`,
      });
    const readable =
      granted.has(table) ||
      (await connection.query(`select 1 from ${quoted} limit 0`).then(
        () => true,
        () => false,
      ));
    if (!readable)
      findings.push({
        ...{ check: 'permission', table, ok: false, said: 'this user may not read it' },
        change: `GRANT SELECT ON ${quoted} TO ${account};`,
      });
  }
  return findings;
};

/** Looked for among the first rows only: a guess is not worth a scan. */
export const mariadbUsualValue = (
  { url }: Place,
  table: string,
  column: string,
): Promise<string | undefined> =>
  withMariaDb(url, async (connection) => {
    const name = table
      .split('.')
      .map((part) => connection.escapeId(part))
      .join('.');
    const rows = await connection.query<{ value: string }[]>(
      `select value from (select cast(${connection.escapeId(column)} as char) as value from ${name} limit 1000) as first_rows
        where value is not null group by value order by count(*) desc, value limit 1`,
    );
    return rows[0]?.value;
  });
