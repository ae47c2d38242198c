/**
 * One batch of one partition into the index: rows first, then the switch that makes a document's update visible whole
 * in one transaction, then the rows nothing points to any more. A crash between any two leaves nothing half visible
 * and nothing behind: what is not yet visible is on the stale list from before it is written.
 */
import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import type { KeywordIndex } from '../../connectors/keyword-index/keyword-index.ts';
import type { VectorIndex } from '../../connectors/vector-index/vector-index.ts';
import { type FoldedDocuments, foldDocuments, type LoggedDocument } from '../fold-documents.ts';
import { changeRows } from './index-rows.ts';
import { keywordRows } from './keyword-rows.ts';

/** A table and the vector index that stands beside it: one state of the view, replaced as a whole by a rebuild. */
export interface IndexGeneration {
  readonly table: DocumentTable;
  readonly index: VectorIndex;
  /** Of the one that serves: words beside vectors, made anew at every start. */
  readonly keywords?: KeywordIndex;
}

/** Errors are the engines': `disk-full`, `index-unavailable`. Doing it again after one is safe. */
export const applyDocuments = async (
  { table, index, keywords }: IndexGeneration,
  partition: number,
  position: number,
  records: readonly LoggedDocument[],
): Promise<FoldedDocuments> => {
  const folded = foldDocuments(table, partition, records);
  const held = (id: string) => table.get(partition, id)?.record;
  const changes = [
    ...folded.documents.map(({ record }) => changeRows(partition, held(record.documentId), record)),
    ...folded.removed.map((id) => changeRows(partition, held(id), undefined)),
  ];
  const added = changes.flatMap((change) => change.added);
  const visible = changes.flatMap((change) => change.visible);
  const stale = changes.flatMap((change) => change.stale);
  if (added.length > 0) {
    table.write({
      partition,
      position: table.position(partition) ?? 0,
      staleRows: added.map((row) => row.id),
    });
    // Handed over before the switch, so that whoever sees the update finds it by its words too.
    if (keywords) {
      const ids = new Set(added.map((row) => row.id));
      await keywords.add(folded.documents.flatMap(({ record }) => keywordRows(record, (id) => ids.has(id))));
    }
    await index.upsert(added);
  }
  table.write({
    partition,
    position,
    documents: folded.documents,
    floors: folded.floors,
    removed: folded.removed,
    rows: visible,
    staleRows: stale,
  });
  await removeStale({ table, index, ...(keywords && { keywords }) }, stale);
  return folded;
};

/** Takes rows out of the vector index that no document points to: those of a batch, or what a crash left. */
export const removeStale = async (
  { table, index, keywords }: IndexGeneration,
  stale: readonly string[] = [...table.staleRows()],
): Promise<void> => {
  if (stale.length === 0) return;
  keywords?.remove(stale);
  await index.remove(stale);
  table.forgetStaleRows(stale);
};
