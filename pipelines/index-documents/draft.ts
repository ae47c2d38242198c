/** A document before its chunks and vectors: what a mapping made of a row. */
import type { ColumnValue, Row, TableMapping } from '../../schemas/config.ts';
import type { Document } from '../../schemas/records.ts';

/** What is known of a document's content from its newest record. */
export type LastContent = Pick<Document, 'kind' | 'title' | 'text' | 'tenant' | 'metadata'>;

export interface Draft {
  readonly title: string;
  readonly text: string;
  readonly tenant: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export type Mapped =
  | { readonly kind: 'draft'; readonly draft: Draft }
  /** Part of the draft needs these columns, which the change did not carry: read them from the row. */
  | { readonly kind: 'needs-row' }
  /** The mapping reads columns that the row does not have: they were dropped, renamed, or never there. */
  | { readonly kind: 'missing-columns'; readonly columns: readonly string[] }
  /** `tenant`: what the row names all the same; null where it names none, or that part failed too. */
  | { readonly kind: 'failed'; readonly message: string; readonly tenant: string | null };

const asText = (value: ColumnValue | undefined): string =>
  value === null || value === undefined ? '' : String(value);

/**
 * One part of a draft. What is made of unchanged columns alone is what it was `before`; undefined where the row has to be
 * read. It goes by the columns that the mapping reads, for what it makes of a placeholder need not show it: a shortened
 * text, a length, a choice between two columns.
 */
const make = <Part>(
  part: (row: Row) => Part,
  row: Row,
  unavailable: readonly string[],
  before: Part | undefined,
): Part | undefined => {
  if (unavailable.length === 0) return part(row);
  const read = new Set<string>();
  const watched = new Proxy(row, {
    get: (under, column) => {
      if (typeof column === 'string' && column in under) read.add(column);
      return Reflect.get(under, column);
    },
  });
  const missed = (): number => unavailable.filter((column) => read.has(column)).length;
  let made: Part | undefined;
  try {
    made = part(watched);
  } catch (error) {
    if (missed() === 0) throw error;
  }
  if (missed() === 0) return made;
  return missed() === read.size ? before : undefined;
};

/** What JSON.stringify, await and printing ask every object for: no columns unless the row has them. */
const ASKED_OF_ANYTHING: ReadonlySet<string> = new Set(['toJSON', 'then', 'inspect', 'constructor']);

/** The row, telling which columns are read of it that it does not have. */
const noticing = (row: Row, onMissing: (column: string) => void): Row =>
  new Proxy(row, {
    get: (of, column, receiver) => {
      if (typeof column === 'string' && !(column in of) && !ASKED_OF_ANYTHING.has(column)) onMissing(column);
      return Reflect.get(of, column, receiver);
    },
  });

/** The columns that a mapping reads, as far as it shows on a row of empty texts: a branch not taken stays unseen. */
export const columnsRead = (mapping: TableMapping): readonly string[] => {
  const read = new Set<string>();
  const row = new Proxy({} as Row, {
    get: (_, column) => {
      if (typeof column !== 'string' || ASKED_OF_ANYTHING.has(column)) return undefined;
      read.add(column);
      return '';
    },
  });
  for (const part of [mapping.title, mapping.text, mapping.tenant, mapping.metadata]) {
    try {
      part?.(row);
    } catch {
      // It read what it read.
    }
  }
  return [...read];
};

const metadataOf = (mapping: TableMapping, row: Row): Record<string, string> =>
  Object.fromEntries(
    Object.entries(mapping.metadata?.(row) ?? {})
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, asText(value)]),
  );

const tenantNamed = (makeTenant: () => string | undefined): string | null => {
  try {
    return makeTenant() || null;
  } catch {
    return null;
  }
};

/**
 * Maps a row. `last` is the newest record of the document: what was made of unchanged TOASTed columns alone is taken
 * from there if that is a whole document, never the placeholder (rule G). Otherwise the row has to be read.
 */
export const mapRow = (
  mapping: TableMapping,
  captured: Row,
  unavailable: readonly string[],
  last: LastContent | undefined,
): Mapped => {
  const missing = new Set<string>();
  const row = noticing(captured, (column) => missing.add(column));
  const before = last?.kind === 'document' ? last : undefined;
  const makeTenant = () =>
    make((each) => asText(mapping.tenant(each)), row, unavailable, before?.tenant ?? undefined);
  try {
    const title = make((each) => asText(mapping.title(each)), row, unavailable, before?.title);
    const text = make((each) => asText(mapping.text(each)), row, unavailable, before?.text);
    const tenant = makeTenant();
    const metadata = make<Draft['metadata']>(
      (each) => metadataOf(mapping, each),
      row,
      unavailable,
      before?.metadata,
    );
    if (missing.size > 0) return { kind: 'missing-columns', columns: [...missing] };
    return title === undefined || text === undefined || tenant === undefined || metadata === undefined
      ? { kind: 'needs-row' }
      : { kind: 'draft', draft: { title, text, tenant, metadata } };
  } catch (error) {
    if (missing.size > 0) return { kind: 'missing-columns', columns: [...missing] };
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'failed', message, tenant: tenantNamed(makeTenant) };
  }
};
