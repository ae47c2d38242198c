/** Which changes of a table's columns its mapping can live with. Pure. */

/** Types that hold the same values to a mapping: a wider number is the same number, a longer text the same text. */
const ALIKE: readonly (readonly string[])[] = [
  ['smallint', 'integer', 'bigint', 'int', 'tinyint', 'mediumint'],
  [
    'text',
    'character varying',
    'character',
    'varchar',
    'char',
    'tinytext',
    'mediumtext',
    'longtext',
    'citext',
  ],
  ['real', 'double precision', 'float', 'double'],
];

const isAlike = (a: string, b: string): boolean =>
  a === b || ALIKE.some((types) => types.includes(a) && types.includes(b));

/**
 * Why a table cannot go on, in words; undefined where it can. `accepted` holds the columns that the mapping was seen to read, with
 * their types; columns that were added, and those that no mapping reads, are nobody's concern.
 */
export const columnTrouble = (
  accepted: Readonly<Record<string, string>>,
  now: Readonly<Record<string, string>>,
): string | undefined => {
  for (const [column, type] of Object.entries(accepted)) {
    const found = now[column];
    if (found === undefined) return `its column ${column} was dropped or renamed, and its mapping reads it`;
    if (!isAlike(type, found)) return `its column ${column} was ${type} and is ${found} now`;
  }
  return undefined;
};

/** Of the columns that a mapping reads those that are there, with their types: what is accepted from now on. */
export const acceptedColumns = (
  read: readonly string[],
  now: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(read.flatMap((column) => (now[column] === undefined ? [] : [[column, now[column]]])));
