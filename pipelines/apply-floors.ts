/**
 * The floors of a batch, before it is folded: a truncate or a sweep may delete a million documents, which in one piece held the
 * event loop for minutes. They go some hundreds a turn. The floor stands in the table first, so that nothing older is taken on
 * behind it; the position moves with the batch alone, so that after a crash the floor is read again and goes on.
 */
import type {
  DocumentTable,
  StoredDocument,
  TableWrite,
} from '../connectors/document-table/document-table.ts';
import { tablePrefixOf } from '../schemas/document-id.ts';
import { standingSlices } from './document-slices.ts';
import { type HeldDocuments, type LoggedDocument, leftUnder } from './fold-documents.ts';

/** Between two turns of the event loop: of standings a millisecond, of documents twenty. */
const AT_ONCE = 200;

/** By id, the newest of each table; without those that a newer one stands above. */
const floorsOf = (
  table: DocumentTable,
  partition: number,
  records: readonly LoggedDocument[],
): ReadonlyMap<string, LoggedDocument> => {
  const newest = new Map<string, LoggedDocument>();
  for (const logged of records) {
    const { kind, documentId, version } = logged.record;
    if (kind !== 'floor') continue;
    const known = newest.get(documentId)?.record.version ?? table.floor(partition, documentId) ?? '';
    if (known <= version) newest.set(documentId, logged);
  }
  return newest;
};

/**
 * `takeOut` does a write that deletes, or empties, the documents given with it. What comes back is the table as the batch is to be
 * folded into it: what the batch itself names is left to the fold, which makes one step of it. Errors: those of the table and of `takeOut`;
 * doing it again after one is safe.
 */
export const applyFloors = async (
  table: DocumentTable,
  partition: number,
  records: readonly LoggedDocument[],
  takeOut: (write: TableWrite, held: readonly StoredDocument[]) => unknown = (write) => table.write(write),
  atOnce = AT_ONCE,
): Promise<HeldDocuments> => {
  const floors = floorsOf(table, partition, records);
  if (floors.size === 0) return table;
  const named = new Set(records.map(({ record }) => record.documentId));
  const before = new Map([...floors.keys()].map((id) => [id, table.floor(partition, id)]));
  const position = (): number => table.position(partition) ?? 0;

  for (const [id, { record, offset }] of floors) {
    const { version } = record;
    if (before.get(id) !== version)
      table.write({ partition, position: position(), floors: [{ id, version, offset }] });
    const prefix = tablePrefixOf(record.source, record.table);
    for await (const slice of standingSlices(() => table, partition, prefix, atOnce)) {
      const held = slice
        .filter((each) => (each.version < version || each.kind === 'refused') && !named.has(each.documentId))
        .flatMap(({ documentId }) => table.get(partition, documentId) ?? [])
        .filter((stored) => leftUnder(stored.record, version) !== stored.record);
      const removed: string[] = [];
      const documents: StoredDocument[] = [];
      for (const stored of held) {
        const left = leftUnder(stored.record, version);
        if (left) documents.push({ record: left, offset: stored.offset });
        else removed.push(stored.record.documentId);
      }
      if (held.length > 0) await takeOut({ partition, position: position(), removed, documents }, held);
    }
  }

  return {
    standing: (...asked) => table.standing(...asked),
    get: (...asked) => table.get(...asked),
    floor: (asked, id) => {
      const now = table.floor(asked, id);
      // As it was: the fold has yet to take it on, unless a newer one came meanwhile.
      return asked === partition && floors.get(id)?.record.version === now ? before.get(id) : now;
    },
  };
};
