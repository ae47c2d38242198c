/** One write to the document table, inside a transaction that the caller opened. */
import type { TableWrite } from './document-table.ts';
import { encodeStored } from './record-codec.ts';
import {
  type PartitionState,
  partitionOf,
  type Standing,
  standingOf,
  type TableFiles,
} from './table-files.ts';
import { keyOf } from './table-keys.ts';

const mutable = (state: PartitionState | undefined) => ({
  documents: state?.documents ?? 0,
  markers: state?.markers ?? 0,
});

/**
 * Prepares a write: every record is encoded here, so that one which doesn't fit the schema throws before anything is
 * touched. What comes back does the write. Stale rows come before new ones: a row in both stays visible.
 */
export const prepareWrite = (files: TableFiles, write: TableWrite): (() => void) => {
  const { partition } = write;
  const encoded = (write.documents ?? []).map((stored) => ({ stored, bytes: encodeStored(stored) }));
  return () => {
    const count = mutable(partitionOf(files, partition));
    const forget = (key: Buffer): void => {
      const held = standingOf(files, key);
      if (held !== undefined) count[held.kind === 'document' ? 'documents' : 'markers'] -= 1;
    };
    for (const id of write.removed ?? []) {
      const key = keyOf(partition, id);
      forget(key);
      files.records.removeSync(key);
      files.standings.removeSync(key);
    }
    for (const { stored, bytes } of encoded) {
      const { documentId, version, kind } = stored.record;
      const key = keyOf(partition, documentId);
      forget(key);
      count[kind === 'document' ? 'documents' : 'markers'] += 1;
      files.records.putSync(key, bytes);
      files.standings.putSync(key, { version, kind, offset: stored.offset } satisfies Standing);
    }
    for (const { id, version, offset } of write.floors ?? []) {
      files.floors.putSync(keyOf(partition, id), { version, offset });
    }
    for (const rowId of write.staleRows ?? []) {
      files.origins.removeSync(Buffer.from(rowId));
      files.stale.putSync(Buffer.from(rowId), 1);
    }
    for (const { rowId, origin } of write.rows ?? []) {
      files.stale.removeSync(Buffer.from(rowId));
      files.origins.putSync(Buffer.from(rowId), origin);
    }
    const state: PartitionState = { position: write.position, ...count };
    files.partitions.putSync(keyOf(partition, ''), state);
  };
};
