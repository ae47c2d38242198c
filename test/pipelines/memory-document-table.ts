/** The document table as plain maps: the model that pure tests fold into, and that the real one is held against. */
import type {
  ChunkOrigin,
  DocumentTable,
  StoredDocument,
  TableWrite,
} from '../../connectors/document-table/document-table.ts';
import type { RowPlace } from '../../connectors/vector-index/vector-index.ts';

interface Partition {
  position: number | undefined;
  historyEnd: number | undefined;
  readonly documents: Map<string, StoredDocument>;
  readonly floors: Map<string, string>;
}

export const createMemoryDocumentTable = (): DocumentTable => {
  const partitions = new Map<number, Partition>();
  const origins = new Map<string, ChunkOrigin>();
  const stale = new Map<string, RowPlace>();
  const of = (partition: number): Partition => {
    const held = partitions.get(partition) ?? {
      position: undefined,
      historyEnd: undefined,
      documents: new Map(),
      floors: new Map(),
    };
    partitions.set(partition, held);
    return held;
  };
  const write = (each: TableWrite): void => {
    const held = of(each.partition);
    for (const id of each.removed ?? []) held.documents.delete(id);
    for (const stored of each.documents ?? []) held.documents.set(stored.record.documentId, stored);
    for (const { id, version } of each.floors ?? []) held.floors.set(id, version);
    for (const row of each.staleRows ?? []) {
      origins.delete(row.id);
      stale.set(row.id, row);
    }
    for (const { rowId, origin } of each.rows ?? []) {
      stale.delete(rowId);
      origins.set(rowId, origin);
    }
    held.position = each.position;
    held.historyEnd = each.historyEnd ?? held.historyEnd;
  };
  return {
    get: (partition, id) => of(partition).documents.get(id),
    standing: (partition, id) => {
      const stored = of(partition).documents.get(id);
      return stored && { version: stored.record.version, kind: stored.record.kind, offset: stored.offset };
    },
    standings: (partition, prefix, { after, most }) =>
      [...of(partition).documents]
        .filter(([id]) => id.startsWith(prefix) && (after === undefined || id > after))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, most)
        .map(([documentId, { record, offset }]) => ({
          ...{ documentId, offset },
          ...{ version: record.version, kind: record.kind },
        })),
    floor: (partition, id) => of(partition).floors.get(id),
    deleted: (partition, prefix) =>
      [...of(partition).documents.values()].filter(
        ({ record }) => record.kind === 'deleted' && record.documentId.startsWith(prefix),
      ),
    writtenAt: (partition) => (of(partition).position === undefined ? undefined : 0),
    countOf: (partition, prefix) =>
      [...of(partition).documents].filter(
        ([id, { record }]) => id.startsWith(prefix) && record.kind === 'document',
      ).length,
    find: () => undefined,
    refusals: (tenant, source) =>
      [...partitions.values()]
        .flatMap(({ documents }) => [...documents.values()])
        .map(({ record }) => record)
        .filter((each) => each.kind === 'refused' && each.tenant === tenant && each.source === source)
        .sort((a, b) => (a.version < b.version ? 1 : -1))
        .map(({ documentId, table, version, reason }) => ({
          ...{ documentId, table, version },
          reason: reason ?? '',
        })),
    origin: (rowId) => origins.get(rowId),
    staleRows: () => [...stale.values()],
    position: (partition) => of(partition).position,
    historyEnd: (partition) => of(partition).historyEnd,
    write: (...writes) => writes.forEach(write),
    forgetStaleRows: (rowIds) => {
      for (const row of rowIds) stale.delete(row);
    },
    clear: (partition) => void partitions.delete(partition),
    count: (partition) => {
      const all = [...of(partition).documents.values()];
      const documents = all.filter(({ record }) => record.kind === 'document').length;
      return { documents, markers: all.length - documents };
    },
    flushed: async () => undefined,
    close: async () => undefined,
  };
};
