/** A document before its chunks and vectors: what a mapping made of a row. */
import { UNAVAILABLE } from '../../connectors/debezium/change.ts';
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
  | { readonly kind: 'failed'; readonly message: string };

const asText = (value: ColumnValue | undefined): string =>
  value === null || value === undefined ? '' : String(value);

const draftOf = (mapping: TableMapping, row: Row): Draft => {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(mapping.metadata?.(row) ?? {}))
    if (value !== null) metadata[name] = asText(value);
  return {
    title: asText(mapping.title(row)),
    text: asText(mapping.text(row)),
    tenant: asText(mapping.tenant(row)),
    metadata,
  };
};

const mentions = (draft: Draft): boolean =>
  [draft.title, draft.text, draft.tenant, ...Object.values(draft.metadata)].some((value) =>
    value.includes(UNAVAILABLE),
  );

/** Where a field is nothing but the placeholder, the last record holds its value. */
const filledFrom = (draft: Draft, last: LastContent): Draft => {
  const fill = (value: string, known: string | undefined): string =>
    value === UNAVAILABLE && known !== undefined ? known : value;
  return {
    title: fill(draft.title, last.title),
    text: fill(draft.text, last.text),
    tenant: fill(draft.tenant, last.tenant ?? undefined),
    metadata: Object.fromEntries(
      Object.entries(draft.metadata).map(([name, value]) => [name, fill(value, last.metadata[name])]),
    ),
  };
};

/**
 * Maps a row. `last` is the newest record of the document if that is a whole document: an unchanged TOASTed column
 * takes its value from there, never the placeholder (rule G). Without it, or where the column is only a part of a
 * field, the row has to be read.
 */
export const mapRow = (
  mapping: TableMapping,
  row: Row,
  unavailable: readonly string[],
  last: LastContent | undefined,
): Mapped => {
  try {
    const draft = draftOf(mapping, row);
    if (unavailable.length === 0 || !mentions(draft)) return { kind: 'draft', draft };
    const filled = last?.kind === 'document' ? filledFrom(draft, last) : draft;
    return mentions(filled) ? { kind: 'needs-row' } : { kind: 'draft', draft: filled };
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
};
