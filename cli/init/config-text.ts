/** freshet.config.ts as text: a mapping for each table, typed by its columns. Pure. */
import type { ColumnKind, SurveyColumn, SurveyTable } from '../../connectors/sources/source-survey.ts';
import type { MappingGuess } from './guess-mapping.ts';

export interface MappedTable {
  readonly table: SurveyTable;
  readonly guess: MappingGuess;
}

export interface ConfigRequest {
  readonly source: string;
  readonly kind: string;
  readonly url: string;
  readonly tables: readonly MappedTable[];
  readonly leftOut: readonly { readonly table: string; readonly why: string }[];
  readonly localTenant: string;
  /** From the file's folder to the project's, such as `.`. */
  readonly project: string;
}

const TYPES: Readonly<Record<ColumnKind, string>> = {
  text: 'string',
  integer: 'number',
  bigint: 'bigint',
  decimal: 'string',
  float: 'number',
  boolean: 'boolean',
  time: 'string',
  uuid: 'string',
  json: 'string',
  bytes: 'Uint8Array',
  list: 'readonly ColumnValue[]',
  other: 'ColumnValue',
};
const KINDS_OF_COLUMN_VALUE: readonly ColumnKind[] = ['list', 'other'];

const quote = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
const isName = (text: string): boolean => /^[A-Za-z_$][\w$]*$/.test(text);
const key = (name: string): string => (isName(name) ? name : quote(name));
const read = ({ name }: Pick<SurveyColumn, 'name'>): string =>
  isName(name) ? `row.${name}` : `row[${quote(name)}]`;
/** What stands in a comment must not end it, nor begin a line of its own. */
const inComment = (text: string): string => text.replace(/\*\//g, '* /').replace(/[\r\n]+/g, ' ');

/** A column as text, whatever its type, and empty where it is null. */
const asText = (column: SurveyColumn): string => {
  const value = read(column);
  const text = TYPES[column.kind] === 'string' ? value : `String(${value})`;
  if (!column.nullable) return text;
  return TYPES[column.kind] === 'string' ? `${value} ?? ''` : `${value} === null ? '' : ${text}`;
};

const imported = (names: string, from: string): string => `import { ${names} } from ${quote(from)};`;

const typeNames = (tables: readonly MappedTable[]): ReadonlyMap<string, string> => {
  const names = new Map<string, string>();
  const taken = new Set(['Row']);
  for (const { table } of tables) {
    const words = table.name.split('.').map((part) => part.split(/[^A-Za-z0-9]+/).filter(Boolean));
    const pascal = (parts: readonly string[]): string =>
      parts.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
    const short = `${pascal(words[1] ?? [])}Row`.replace(/^(?=\d|Row$)/, 'Table');
    const long = `${pascal(words.flat())}Row`.replace(/^(?=\d|Row$)/, 'Table');
    let name = taken.has(short) ? long : short;
    for (let at = 2; taken.has(name); at += 1) name = `${long}${at}`;
    taken.add(name);
    names.set(table.name, name);
  }
  return names;
};

const typeText = (name: string, { columns }: SurveyTable): string =>
  [
    `type ${name} = {`,
    ...columns.map(
      (column) => `  ${key(column.name)}: ${TYPES[column.kind]}${column.nullable ? ' | null' : ''};`,
    ),
    '};',
  ].join('\n');

const mappingText = (typeName: string, { table, guess }: MappedTable): readonly string[] => {
  const { title, text, tenant, metadata, left } = guess;
  const keys = table.primaryKey.map((name) => String.raw`\${${read({ name })}}`.replace('\\', '')).join(', ');
  const [only] = text;
  const textOf =
    text.length === 1 && only
      ? asText(only)
      : `[${text.map((column) => read(column)).join(', ')}].filter(Boolean).join('\\n\\n')`;
  return [
    `        // ${inComment(`id: the primary key, ${table.primaryKey.join(', ')}${left.length > 0 ? `; left out, by their names: ${left.join(', ')}` : ''}`)}`,
    `        ${quote(table.name)}: mapTable<${typeName}>({`,
    `          title: (row) => ${title ? asText(title) : `\`${table.name.split('.')[1]?.replace(/[`$\\]/g, '_')} ${keys}\``},`,
    `          text: (row) => ${textOf},`,
    `          tenant: (${tenant ? 'row' : ''}) => ${tenant ? asText(tenant) : "'default'"},`,
    ...(metadata.length > 0
      ? [
          '          metadata: (row) => ({',
          ...metadata.map((column) => `            ${key(column.name)}: ${read(column)},`),
          '          }),',
        ]
      : []),
    '        }),',
  ];
};

export const configText = (request: ConfigRequest): string => {
  const { source, kind, url, tables, leftOut, localTenant, project } = request;
  const names = typeNames(tables);
  const values = tables.some(({ table }) =>
    table.columns.some((column) => KINDS_OF_COLUMN_VALUE.includes(column.kind)),
  );
  return `${[
    '// Written by `freshet init`: guesses from names and types of columns. Look them over, above all tenant: who may see a row.',
    '// The URL holds a password: keep this file out of version control, or take the URL from where you keep secrets.',
    imported('SAMPLE_AGENTS', `${project}/agents/sample-agents.ts`),
    imported(`${values ? 'type ColumnValue, ' : ''}defineConfig, mapTable`, `${project}/schemas/config.ts`),
    '',
    ...tables.map(({ table }) => `${typeText(names.get(table.name) ?? '', table)}\n`),
    'export default defineConfig({',
    '  sources: {',
    `    ${key(source)}: {`,
    `      kind: ${quote(kind)},`,
    `      url: ${quote(url)},`,
    '      tables: {',
    ...tables.flatMap((mapped) => mappingText(names.get(mapped.table.name) ?? '', mapped)),
    ...leftOut.map(({ table, why }) => `        // ${inComment(`${table}: left out, it ${why}`)}`),
    '      },',
    '    },',
    '  },',
    '  agents: [...SAMPLE_AGENTS],',
    `  localTenant: ${quote(localTenant)},`,
    '});',
  ].join('\n')}\n`;
};
