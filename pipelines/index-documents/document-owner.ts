/**
 * The owner of one partition of freshet.documents: keeps its table current by tailing the partition, knows when it
 * has seen all of it, and alone puts the newer record back when an older one was appended after it (rule C), so that
 * compaction, which keeps the last written, keeps the newest.
 */
import type { DocumentTable, StoredDocument } from '../../connectors/document-table/document-table.ts';
import type { Document } from '../../schemas/records.ts';
import { orderOf } from '../../schemas/document-order.ts';
import { floorIdOf, tablePrefixOf } from '../../schemas/document-id.ts';

export interface TailedRecord {
  readonly record: Document;
  readonly offset: number;
}

export interface TailPlan {
  readonly documents: readonly StoredDocument[];
  readonly floors: readonly { readonly id: string; readonly version: string; readonly offset: number }[];
  readonly removed: readonly string[];
  /** Newer records that an older one now stands behind: append them again. */
  readonly again: readonly Document[];
}

/**
 * What a stretch of the partition, in log order, changes in the table. Pure over what the table holds; the records
 * that this owner wrote itself come by here too and change nothing but their offset.
 */
export const planTail = (table: Pick<DocumentTable, 'standing' | 'floor' | 'get' | 'list'>, partition: number, records: readonly TailedRecord[]): TailPlan => {
  const documents = new Map<string, StoredDocument>();
  const floors = new Map<string, { id: string; version: string; offset: number }>();
  const removed = new Set<string>();
  const again = new Map<string, Document>();
  for (const { record, offset } of records) {
    const floorOf = (id: string): string | undefined => floors.get(id)?.version ?? table.floor(partition, id);
    if (record.kind === 'floor') {
      const held = floorOf(record.documentId);
      if (held !== undefined && held >= record.version) continue;
      floors.set(record.documentId, { id: record.documentId, version: record.version, offset });
      const prefix = tablePrefixOf(record.source, record.table);
      for (const stored of table.list(partition, prefix)) {
        if (stored.record.version < record.version) removed.add(stored.record.documentId);
      }
      for (const [id, stored] of documents) {
        if (id.startsWith(prefix) && stored.record.version < record.version) {
          documents.delete(id);
          removed.add(id);
        }
      }
      continue;
    }
    const id = record.documentId;
    const pending = documents.get(id);
    const held = pending ? { version: pending.record.version, offset: pending.offset } : removed.has(id) ? undefined : table.standing(partition, id);
    const order = orderOf(record.version, held, floorOf(floorIdOf(record.source, record.table)));
    if (order === 'newer') {
      documents.set(id, { record, offset });
      removed.delete(id);
      again.delete(id);
    } else if (held && offset > held.offset) {
      if (order === 'same') {
        documents.set(id, { record, offset });
        again.delete(id);
      } else {
        const newer = pending?.record ?? table.get(partition, id)?.record;
        if (newer) again.set(id, newer);
      }
    }
  }
  return { documents: [...documents.values()], floors: [...floors.values()], removed: [...removed], again: [...again.values()] };
};
