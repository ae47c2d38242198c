/** What one generation of the index holds, said briefly enough to be compared with a source. */
import type { HeldDocument } from '../../connectors/index-service/index-service.ts';
import { vectorOfBytes } from '../../connectors/vector-index/vector-codec.ts';
import { tablePrefixOf } from '../../schemas/document-id.ts';
import { isSearchable } from '../../schemas/document-order.ts';
import { turn } from '../../schemas/event-loop-turn.ts';
import { spaceOfDocument } from '../../schemas/memory-source.ts';
import type { Document } from '../../schemas/records.ts';
import { documentDigest } from '../document-digest.ts';
import type { IndexGeneration } from './apply-documents.ts';
import { rowsOf, tagsOf } from './index-rows.ts';

const DOCUMENTS_AT_ONCE = 20;

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

/** Ids of a table's documents that can be found by search, as the table was when the listing began. */
export const listDocuments = async function* (
  { table }: IndexGeneration,
  partitions: readonly number[],
  source: string,
  name: string,
): AsyncGenerator<string> {
  let listed = 0;
  for (const partition of partitions) {
    for (const { record } of table.list(partition, tablePrefixOf(source, name))) {
      if (isSearchable(record)) yield record.documentId;
      listed += 1;
      if (listed % DOCUMENTS_AT_ONCE === 0) await turn();
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
