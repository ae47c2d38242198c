/**
 * Debezium has a placeholder for an unchanged TOASTed list of texts, bytes, integers or UUIDs. For a list of another type it
 * has none, logs a warning and sends null, so that a null there may be either. Of a list of plain texts what it was made of
 * does not show (numeric[], inet[] and citext[] are ones too), and it is taken for text[]. Pure.
 */
interface Field {
  readonly name: string;
  readonly type: unknown;
}

const PLACED = new Set(['string', 'bytes', 'int', 'long', 'io.debezium.data.Uuid', 'io.debezium.data.Json']);

const branches = (type: unknown): readonly unknown[] =>
  (Array.isArray(type) ? type : [type]).filter((branch) => branch !== 'null');

/** As Connect names it, or Avro where Connect has no other name. */
const nameOf = (type: unknown): string => {
  if (typeof type === 'string') return type;
  const named = type as Readonly<Record<string, string | undefined>>;
  return named['connect.name'] ?? named['connect.type'] ?? named.type ?? '';
};

const isSilent = (type: unknown): boolean =>
  branches(type).some((branch) => {
    const { type: kind, items } = branch as { readonly type?: unknown; readonly items?: unknown };
    return kind === 'array' && branches(items).some((item) => !PLACED.has(nameOf(item)));
  });

/** Columns of an envelope's row whose null may stand for a value that was left alone. `schema`: the envelope's, as JSON. */
export const silentLists = (schema: string): readonly string[] => {
  const { fields = [] } = JSON.parse(schema) as { readonly fields?: readonly Field[] };
  const rows = fields.filter(({ name }) => name === 'before' || name === 'after');
  return rows
    .flatMap(({ type }) => branches(type))
    .flatMap((row) => (row as { readonly fields?: readonly Field[] }).fields ?? [])
    .filter(({ type }) => isSilent(type))
    .map(({ name }) => name);
};
