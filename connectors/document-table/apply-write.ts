/** One write to the document table, inside a transaction that the caller opened. */
import type { TableWrite } from './document-table.ts';
import { lookOf, putLook, removeLook } from './fingerprint-keys.ts';
import { encodeStored } from './record-codec.ts';
import { putRefusal, refusalOf, removeRefusal } from './refusal-keys.ts';
import {
  type PartitionState,
  partitionOf,
  type Standing,
  standingOf,
  type TableFiles,
} from './table-files.ts';
import { keyOf } from './table-keys.ts';

/**
 * Prepares a write: every record is encoded here, so that one which doesn't fit the schema throws before anything is
 * touched. What comes back does the write. Stale rows come before new ones: a row in both stays visible.
 */
export const prepareWrite = (files: TableFiles, write: TableWrite): (() => void) => {
  const { partition } = write;
  const encoded = (write.documents ?? []).map((stored) => ({ stored, bytes: encodeStored(stored) }));
  return () => {
    const before = partitionOf(files, partition);
    const count = { documents: before?.documents ?? 0, markers: before?.markers ?? 0 };
    const historyEnd = write.historyEnd ?? before?.historyEnd;
    const forget = (key: Buffer, documentId: string): void => {
      const held = standingOf(files, key);
      if (held?.look) removeLook(files, held.look, documentId);
      if (held?.refusal) removeRefusal(files, held.refusal, held.version, documentId);
      if (held !== undefined) count[held.kind === 'document' ? 'documents' : 'markers'] -= 1;
    };
    for (const id of write.removed ?? []) {
      const key = keyOf(partition, id);
      forget(key, id);
      files.records.removeSync(key);
      files.standings.removeSync(key);
    }
    for (const { stored, bytes } of encoded) {
      const { documentId, version, kind } = stored.record;
      const key = keyOf(partition, documentId);
      forget(key, documentId);
      count[kind === 'document' ? 'documents' : 'markers'] += 1;
      files.records.putSync(key, bytes);
      const look = lookOf(stored.record);
      const refusal = refusalOf(stored.record);
      const standing: Standing = { version, kind, offset: stored.offset };
      files.standings.putSync(key, { ...standing, ...(look && { look }), ...(refusal && { refusal }) });
      if (look) putLook(files, look, documentId);
      if (refusal) putRefusal(files, refusal, stored.record);
    }
    for (const { id, version, offset } of write.floors ?? []) {
      files.floors.putSync(keyOf(partition, id), { version, offset });
    }
    for (const { id, tenant } of write.staleRows ?? []) {
      files.origins.removeSync(Buffer.from(id));
      files.stale.putSync(Buffer.from(id), { tenant });
    }
    for (const { rowId, origin } of write.rows ?? []) {
      files.stale.removeSync(Buffer.from(rowId));
      files.origins.putSync(Buffer.from(rowId), origin);
    }
    const state: PartitionState = {
      ...{ position: write.position, ...count, writtenAt: Date.now() },
      ...(historyEnd !== undefined && { historyEnd }),
    };
    files.partitions.putSync(keyOf(partition, ''), state);
  };
};
