/** What one generation of the index holds, said briefly enough to be compared with a source. */
import type { HeldDocument } from '../../connectors/index-service/index-service.ts';
import { vectorOfBytes } from '../../connectors/vector-index/vector-codec.ts';
import { tablePrefixOf } from '../../schemas/document-id.ts';
import { isSearchable } from '../../schemas/document-order.ts';
import { turn } from '../../schemas/event-loop-turn.ts';
import { spaceOfDocument } from '../../schemas/memory-source.ts';
import type { Document } from '../../schemas/records.ts';
import { documentDigest } from '../document-digest.ts';
import { standingSlices } from '../document-slices.ts';
import type { IndexGeneration } from './apply-documents.ts';
import { rowsOf, tagsOf } from './index-rows.ts';

const DOCUMENTS_AT_ONCE = 20;
/** Of most, nothing is decoded. */
const IDS_AT_ONCE = 200;

const describe = async (
  { index }: IndexGeneration,
  partition: number,
  record: Document,
): Promise<HeldDocument> => {
  const rows = rowsOf(record);
  const there = await index.has(rows);
  return {
    documentId: record.documentId,
    kind: record.kind,
    version: record.version,
    partition,
    refusal: record.kind === 'refused' ? (record.reason ?? null) : null,
    searchable: isSearchable(record),
    digest: documentDigest(
      record,
      record.chunks.map(({ hash }) => hash),
    ),
    vectorsMissing: rows.filter(({ id }) => !there.has(id)).length,
  };
};

/** Those that are held, in any order. */
export const describeDocuments = async (
  generation: IndexGeneration,
  partitions: readonly number[],
  documentIds: readonly string[],
): Promise<readonly HeldDocument[]> => {
  const held: HeldDocument[] = [];
  for (const [at, id] of documentIds.entries()) {
    if (at % DOCUMENTS_AT_ONCE === DOCUMENTS_AT_ONCE - 1) await turn();
    const partition = partitions.find((each) => generation.table.standing(each, id));
    const stored = partition === undefined ? undefined : generation.table.get(partition, id);
    if (partition !== undefined && stored) held.push(await describe(generation, partition, stored.record));
  }
  return held;
};

/**
 * Ids of a table's documents that can be found by search, each as it stands when its turn comes. Whoever reads them slowly, or not at
 * all, keeps nothing open: what serves is asked for again with each slice, as a rebuild may have replaced it.
 */
export const listDocuments = async function* (
  serving: () => Pick<IndexGeneration, 'table'>,
  partitions: readonly number[],
  source: string,
  name: string,
): AsyncGenerator<string> {
  const prefix = tablePrefixOf(source, name);
  for (const partition of partitions) {
    for await (const slice of standingSlices(() => serving().table, partition, prefix, IDS_AT_ONCE)) {
      const { table } = serving();
      // A refused one may keep what was good before it.
      const isFound = (id: string, kind: Document['kind']): boolean => {
        const record = kind === 'refused' ? table.get(partition, id)?.record : undefined;
        return kind === 'document' || (record !== undefined && isSearchable(record));
      };
      const found = slice.filter(({ documentId, kind }) => isFound(documentId, kind));
      yield* found.map(({ documentId }) => documentId);
    }
  }
};

/** Puts rows of these documents back that the engine has lost; gives how many. */
export const restoreRows = async (
  { table, index }: IndexGeneration,
  partitions: readonly number[],
  documentIds: readonly string[],
): Promise<number> => {
  let restored = 0;
  for (const id of documentIds) {
    for (const partition of partitions) {
      const record = table.get(partition, id)?.record;
      if (!record) continue;
      const places = rowsOf(record);
      const there = await index.has(places);
      const rows = new Map(record.chunks.map((chunk, at) => [places[at]?.id ?? '', chunk]));
      const missing = [...rows].filter(([rowId]) => !there.has(rowId) && table.origin(rowId));
      await index.upsert(
        missing.map(([rowId, chunk]) => ({
          id: rowId,
          vector: vectorOfBytes(chunk.vector),
          tenant: spaceOfDocument(record),
          tags: tagsOf(record),
        })),
      );
      restored += missing.length;
    }
  }
  return restored;
};
