import type { TableShape, TableShapes } from './source-kind.ts';

interface ListedColumn {
  readonly table: string;
  /** The database's own of the table; empty where it has none that lasts. */
  readonly identity: string;
  readonly column: string;
  readonly type: string;
  /** In the primary key; null where it is none of it. */
  readonly place: number | null;
  /** False where changes do not carry it. */
  readonly carried?: boolean;
}

/** Types whose values a key holds in one form, whatever their width. */
const FORMS: readonly (readonly [RegExp, string])[] = [
  [/^(?:tiny|small|medium|big)?int(?:eger)?$/, 'integer'],
  [/^(?:character varying|varchar|(?:tiny|medium|long)?text)$/, 'text'],
];
const formOf = (type: string): string => FORMS.find(([types]) => types.test(type))?.[1] ?? type;

/**
 * A table by the database's own name for it and by its primary key: a key of other columns, or of others' names, gives its rows other
 * documents, and other partitions, so that what was made of them under the key of before is nobody's any more.
 */
const identityOf = (identity: string, columns: readonly ListedColumn[]): string => {
  const key = columns
    .filter(({ place }) => place !== null)
    .sort((a, b) => Number(a.place) - Number(b.place))
    .map(({ column, type }) => `${column}:${formOf(type)}`);
  return `${identity}/${key.join()}`;
};

/** Columns as a database lists them, one at a time, by their tables. */
export const shapesOf = (columns: readonly ListedColumn[]): TableShapes => {
  const byTable = new Map<string, ListedColumn[]>();
  for (const each of columns) byTable.set(each.table, [...(byTable.get(each.table) ?? []), each]);
  return new Map(
    [...byTable].map(([table, listed]): [string, TableShape] => [
      table,
      {
        identity: identityOf(listed[0]?.identity ?? '', listed),
        columns: Object.fromEntries(listed.map(({ column, type }) => [column, type])),
        uncarried: listed.filter(({ carried = true }) => !carried).map(({ column }) => column),
      },
    ]),
  );
};

/** Why a table cannot be captured for a mapping that reads these columns; undefined where it can. */
export const uncarriedTrouble = (
  read: readonly string[],
  { uncarried = [] }: Pick<TableShape, 'uncarried'>,
): string | undefined => {
  const column = read.find((each) => uncarried.includes(each));
  return column === undefined
    ? undefined
    : `its mapping reads the column ${column}, which is generated: the log of the database does not carry it. Make the value in the mapping, of the columns that it is generated from`;
};
