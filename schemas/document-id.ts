/**
 * The id of a document: `source/table/key`, injective in (source, table, primary key). Each part is percent-encoded,
 * composite keys are joined by a comma in column-name order, so no two rows can share an id whatever they contain.
 */
export type KeyValue = string | number | bigint | boolean | null;

/** Throws URIError on a lone surrogate: such a key cannot be named, its record is unreadable. */
const encode = (value: KeyValue): string =>
  encodeURIComponent(String(value)).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );

export const documentIdOf = (
  source: string,
  table: string,
  key: Readonly<Record<string, KeyValue>>,
): string => {
  const columns = Object.keys(key).sort();
  if (columns.length === 0) throw new URIError('a document needs at least one key column');
  return `${encode(source)}/${encode(table)}/${columns.map((column) => encode(key[column] ?? null)).join(',')}`;
};

/** Undefined where the key can name no document. */
export const documentIdIfAny = (...named: Parameters<typeof documentIdOf>): string | undefined => {
  try {
    return documentIdOf(...named);
  } catch {
    return undefined;
  }
};

/** Source, table and key of a document by its id; undefined of any other text. Of several key columns the key is their text with commas. */
export const placeOfDocument = (
  documentId: string,
): { readonly source: string; readonly table: string; readonly key: string } | undefined => {
  const [source, table, key, ...rest] = documentId.split('/');
  if (!source || !table || key === undefined || rest.length > 0) return undefined;
  try {
    return {
      source: decodeURIComponent(source),
      table: decodeURIComponent(table),
      key: decodeURIComponent(key),
    };
  } catch {
    return undefined;
  }
};

/** The key of a floor in one partition: apart from every document id, as those never begin with a slash. */
export const floorIdOf = (source: string, table: string): string =>
  `/floor/${encode(source)}/${encode(table)}`;

/** What the ids of all documents of a table begin with, and no others. */
export const tablePrefixOf = (source: string, table: string): string => `${encode(source)}/${encode(table)}/`;
