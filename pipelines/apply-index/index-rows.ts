/** Documents → rows of the vector index, and what an update adds and leaves stale. Pure. */
import { hash } from 'node:crypto';
import type { ChunkOrigin } from '../../connectors/document-table/document-table.ts';
import { vectorOfBytes } from '../../connectors/vector-index/vector-codec.ts';
import type { RowPlace, VectorRow } from '../../connectors/vector-index/vector-index.ts';
import { isSearchable } from '../../schemas/document-order.ts';
import { spaceOfDocument } from '../../schemas/memory-source.ts';
import type { Document } from '../../schemas/records.ts';

export const tagOf = (name: string, value: string): string => `${name}=${value}`;

/** What a search can require: every metadata pair, the source and the table. */
export const tagsOf = (record: Document): readonly string[] =>
  [...Object.entries({ ...record.metadata, source: record.source, table: record.table })]
    .map(([name, value]) => tagOf(name, value))
    .sort();

/** Content-addressed: the same chunk of the same document for the same readers is the same row, so it is not written again. */
export const rowIdOf = (record: Document, chunkHash: string, tags = tagsOf(record)): string =>
  hash(
    'sha256',
    JSON.stringify([record.documentId, record.tenant, record.model, tags, chunkHash]),
    'hex',
  ).slice(0, 32);

export interface RowsChange {
  /** To write into the vector index before they become visible. */
  readonly added: readonly VectorRow[];
  /** All rows of the new state with the chunk each stands for. */
  readonly visible: readonly { readonly rowId: string; readonly origin: ChunkOrigin }[];
  /** To remove once they are no longer visible. */
  readonly stale: readonly RowPlace[];
}

/** Where the rows of a document are or would be: one a chunk, in their order. */
export const rowsOf = (record: Document): readonly RowPlace[] => {
  const tags = tagsOf(record);
  const tenant = spaceOfDocument(record);
  return record.chunks.map(({ hash: chunkHash }) => ({ id: rowIdOf(record, chunkHash, tags), tenant }));
};

/** A chunk without a vector is embedded behind this log, for another model's index: it has no row here. */
const standingRows = (record: Document | undefined): readonly RowPlace[] =>
  record && isSearchable(record)
    ? rowsOf(record).filter((_, at) => (record.chunks[at]?.vector.length ?? 0) > 0)
    : [];

/** How the rows of one document change from what was held to what is newest (undefined: removed). */
export const changeRows = (
  partition: number,
  held: Document | undefined,
  newest: Document | undefined,
): RowsChange => {
  const tags = newest ? tagsOf(newest) : [];
  const before = new Map(standingRows(held).map((row) => [row.id, row]));
  const added = new Map<string, VectorRow>();
  const visible = new Map<string, { rowId: string; origin: ChunkOrigin }>();
  for (const [chunk, piece] of newest && isSearchable(newest) ? newest.chunks.entries() : []) {
    if (!newest || piece.vector.length === 0) continue;
    const rowId = rowIdOf(newest, piece.hash, tags);
    if (visible.has(rowId)) continue;
    visible.set(rowId, { rowId, origin: { partition, documentId: newest.documentId, chunk } });
    if (!before.has(rowId))
      added.set(rowId, {
        id: rowId,
        vector: vectorOfBytes(piece.vector),
        tenant: spaceOfDocument(newest),
        tags,
      });
  }
  return {
    added: [...added.values()],
    visible: [...visible.values()],
    stale: [...before.values()].filter(({ id }) => !visible.has(id)),
  };
};
