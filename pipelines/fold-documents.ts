/**
 * A stretch of one partition of freshet.documents folded into what a table holds of it: newest version wins, floors
 * delete what is older. The owner of the partition, the index and its rebuild share this one fold; in whatever order
 * and how often records come, it ends the same (I1, I4, I5). What a floor deletes is taken out before (apply-floors.ts).
 */
import type { DocumentTable, StoredDocument } from '../connectors/document-table/document-table.ts';
import { floorIdOf, tablePrefixOf } from '../schemas/document-id.ts';
import { orderOf, withoutOlderThan } from '../schemas/document-order.ts';
import type { Document } from '../schemas/records.ts';

export interface LoggedDocument extends StoredDocument {
  /** True of a record that ends the marker of its version, and what is older: nothing of the document is held after it. */
  readonly ended?: boolean;
}

export interface FoldedDocuments {
  /** What is newest now, and was not before. */
  readonly documents: readonly StoredDocument[];
  readonly floors: readonly { readonly id: string; readonly version: string; readonly offset: number }[];
  /** Ids that fell below a floor, or whose marker ended. */
  readonly removed: readonly string[];
  /**
   * Newer records that an older one now stands behind. Compaction keeps the last written, so the owner of the
   * partition, and nobody else, appends these again (rule C).
   */
  readonly again: readonly Document[];
  /** For each record given: whether it was newer than all before it. */
  readonly applied: readonly boolean[];
}

export type HeldDocuments = Pick<DocumentTable, 'standing' | 'floor' | 'get'>;

/** As it is to be held: without what a floor took from it. */
const heldUnder = ({ record, offset, body }: LoggedDocument, floor: string | undefined): StoredDocument => {
  const left = withoutOlderThan(record, floor);
  return left === record && body ? { record, offset, body } : { record: left, offset };
};

/** What a floor leaves of a record: the record itself, a marker without what it kept, or nothing. */
export const leftUnder = (record: Document, floor: string): Document | undefined =>
  record.version < floor ? undefined : withoutOlderThan(record, floor);

/** Decides; writes nothing. `table` is only read, for this partition and what these records name: floors were applied to the rest. */
export const foldDocuments = (
  table: HeldDocuments,
  partition: number,
  records: readonly LoggedDocument[],
): FoldedDocuments => {
  const documents = new Map<string, StoredDocument>();
  const floors = new Map<string, { id: string; version: string; offset: number }>();
  const removed = new Set<string>();
  const again = new Map<string, Document>();
  const named = new Set(records.map(({ record }) => record.documentId));
  const floorOf = (id: string): string | undefined => floors.get(id)?.version ?? table.floor(partition, id);

  const below = (id: string, { record, offset }: StoredDocument, floor: string): void => {
    const left = leftUnder(record, floor);
    if (!left) {
      documents.delete(id);
      removed.add(id);
    } else if (left !== record) documents.set(id, { record: left, offset });
  };

  const applyFloor = (record: Document, offset: number): boolean => {
    const held = floorOf(record.documentId);
    if (held !== undefined && held > record.version) {
      // Of a floor a table keeps the version alone; its other fields say nothing that an older one's don't.
      again.set(record.documentId, { ...record, version: held });
      return false;
    }
    again.delete(record.documentId);
    // One that stands there already may have been cut short by a crash: what is below it is looked for all the same.
    const isNewer = held !== record.version;
    if (isNewer) floors.set(record.documentId, { id: record.documentId, version: record.version, offset });
    const prefix = tablePrefixOf(record.source, record.table);
    for (const id of named) {
      const stored = id.startsWith(prefix) ? (documents.get(id) ?? table.get(partition, id)) : undefined;
      if (stored) below(id, stored, record.version);
    }
    return isNewer;
  };

  const applyDocument = (logged: LoggedDocument): boolean => {
    const { record, offset, ended = false } = logged;
    const id = record.documentId;
    const floor = floorOf(floorIdOf(record.source, record.table));
    const pending = documents.get(id);
    const held = pending
      ? { version: pending.record.version, offset: pending.offset }
      : removed.has(id)
        ? undefined
        : table.standing(partition, id);
    const order = orderOf(record.version, held, floor);
    if (ended && order !== 'older') {
      // One that is read again behind a later copy of its marker ends nothing: the copy stands last in the log.
      if (!held || offset <= held.offset) return false;
      documents.delete(id);
      again.delete(id);
      removed.add(id);
      return false;
    }
    if (order === 'newer') {
      documents.set(id, heldUnder(logged, floor));
      removed.delete(id);
      again.delete(id);
      return true;
    }
    if (!held || offset <= held.offset) return false;
    if (order === 'same') {
      // The same change again, further on: what stands last in the log is what the table points to.
      documents.set(id, heldUnder(logged, floor));
      again.delete(id);
      return false;
    }
    const newer = pending?.record ?? table.get(partition, id)?.record;
    if (newer) again.set(id, newer);
    return false;
  };

  const applied = records.map((logged) =>
    logged.record.kind === 'floor' ? applyFloor(logged.record, logged.offset) : applyDocument(logged),
  );
  return {
    documents: [...documents.values()],
    floors: [...floors.values()],
    removed: [...removed],
    again: [...again.values()],
    applied,
  };
};
