/**
 * The document table in LMDB, one folder per owner. Reads are synchronous and see the last write.
 *
 * What a crash leaves: after kill -9 every write that returned is there, for commits reach the page cache. After a crash
 * of the operating system the files may be torn; the next opening notices it by the boot id and begins empty
 * (`fresh: 'torn'`), a state that freshet.documents explains, and that also puts back rows that the vector index lost.
 * A table idle for a second is flushed and survives that crash whole. One process per folder.
 */
import type { Document } from '../../schemas/records.ts';
import type { ChunkOrigin, DocumentTable, StoredDocument, TableWrite } from './document-table.ts';
import { failure } from './lmdb-failures.ts';
import { decodeStored, encodeStored } from './record-codec.ts';
import { type FreshReason, openTableFiles, padFile, type TableFiles } from './table-files.ts';
import { keyOf, partitionRange, prefixRange } from './table-keys.ts';

export interface LmdbDocumentTableOptions {
  readonly folder: string;
  /** Begin empty whatever lies there. Default false. */
  readonly discard?: boolean;
}

/** Abortable (1), and committed when it returns (2). */
const COMMIT: number = 3;
const IDLE_FLUSH_MILLISECONDS = 1_000;

type Standing = { readonly version: string; readonly kind: Document['kind']; readonly offset: number };
type PartitionState = { readonly position: number; readonly documents: number; readonly markers: number };

export class LmdbDocumentTable implements DocumentTable {
  /** Why the table began empty at this opening; undefined where it goes on from before. */
  readonly fresh: FreshReason | undefined;
  readonly #files: TableFiles;
  #writes = 0;
  #idleFlush: NodeJS.Timeout | undefined;

  /** Use openLmdbDocumentTable. */
  constructor(files: TableFiles) {
    this.#files = files;
    this.fresh = files.fresh;
  }

  get(partition: number, documentId: string): StoredDocument | undefined {
    return this.#read(() => {
      const bytes = this.#files.records.getBinary(keyOf(partition, documentId));
      return bytes === undefined ? undefined : decodeStored(bytes);
    });
  }

  standing(partition: number, documentId: string): Standing | undefined {
    return this.#read(() => this.#standing(keyOf(partition, documentId)));
  }

  floor(partition: number, floorId: string): string | undefined {
    const held = this.#read(() => this.#files.floors.get(keyOf(partition, floorId)));
    return (held as { readonly version: string } | undefined)?.version;
  }

  *list(partition: number, prefix: string): Iterable<StoredDocument> {
    for (const { value } of this.#files.records.getRange(prefixRange(partition, prefix))) {
      const stored = decodeStored(value);
      if (stored.record.documentId.startsWith(prefix)) yield stored;
    }
  }

  origin(rowId: string): ChunkOrigin | undefined {
    return this.#read(() => this.#files.origins.get(Buffer.from(rowId))) as ChunkOrigin | undefined;
  }

  *staleRows(): Iterable<string> {
    for (const key of this.#files.stale.getKeys()) yield key.toString();
  }

  position(partition: number): number | undefined {
    return this.#read(() => this.#partition(partition))?.position;
  }

  count(partition: number): { readonly documents: number; readonly markers: number } {
    const { documents = 0, markers = 0 } = this.#read(() => this.#partition(partition)) ?? {};
    return { documents, markers };
  }

  write(write: TableWrite): void {
    const { partition } = write;
    // Encoding comes first: a record that doesn't fit the schema throws before anything is touched.
    const documents = (write.documents ?? []).map((stored) => ({ stored, bytes: encodeStored(stored) }));
    this.#commit('writing to the document table', () => {
      const { records, standings, floors, origins, stale, partitions } = this.#files;
      let { documents: documentCount, markers } = this.#partition(partition) ?? { documents: 0, markers: 0 };
      const drop = (key: Buffer): void => {
        const held = this.#standing(key);
        if (held?.kind === 'document') documentCount -= 1;
        else if (held !== undefined) markers -= 1;
      };
      for (const id of write.removed ?? []) {
        const key = keyOf(partition, id);
        drop(key);
        records.removeSync(key);
        standings.removeSync(key);
      }
      for (const { stored, bytes } of documents) {
        const { documentId, version, kind } = stored.record;
        const key = keyOf(partition, documentId);
        drop(key);
        if (kind === 'document') documentCount += 1;
        else markers += 1;
        records.putSync(key, bytes);
        standings.putSync(key, { version, kind, offset: stored.offset } satisfies Standing);
      }
      for (const { id, version, offset } of write.floors ?? []) {
        floors.putSync(keyOf(partition, id), { version, offset });
      }
      for (const rowId of write.staleRows ?? []) {
        origins.removeSync(Buffer.from(rowId));
        stale.putSync(Buffer.from(rowId), 1);
      }
      for (const { rowId, origin } of write.rows ?? []) {
        stale.removeSync(Buffer.from(rowId));
        origins.putSync(Buffer.from(rowId), origin);
      }
      const state: PartitionState = { position: write.position, documents: documentCount, markers };
      partitions.putSync(keyOf(partition, ''), state);
    });
  }

  forgetStaleRows(rowIds: readonly string[]): void {
    if (rowIds.length === 0) return;
    this.#commit('forgetting stale rows', () => {
      for (const rowId of rowIds) this.#files.stale.removeSync(Buffer.from(rowId));
    });
  }

  clear(partition: number): void {
    this.#commit('clearing a partition of the document table', () => {
      const { records, standings, floors, origins, stale, partitions } = this.#files;
      for (const database of [records, standings, floors, partitions]) {
        for (const key of [...database.getKeys(partitionRange(partition))]) database.removeSync(key);
      }
      const rows = [...origins.getRange()].filter(
        ({ value }) => (value as ChunkOrigin).partition === partition,
      );
      for (const { key } of rows) {
        origins.removeSync(key);
        stale.putSync(key, 1);
      }
    });
  }

  async flushed(): Promise<void> {
    if (!this.#files.marker.dirty) return;
    const writes = this.#writes;
    await new Promise<void>((resolve, reject) => {
      const { root } = this.#files as unknown as { root: { sync(done: (error: unknown) => void): void } };
      root.sync((error) => (error ? reject(failure(error, 'flushing the document table')) : resolve()));
    });
    if (writes === this.#writes) this.#files.marker.markClean();
  }

  async close(): Promise<void> {
    clearTimeout(this.#idleFlush);
    padFile(this.#files);
    await this.flushed();
    await this.#files.root.close();
  }

  #standing(key: Buffer): Standing | undefined {
    return this.#files.standings.get(key) as Standing | undefined;
  }

  #partition(partition: number): PartitionState | undefined {
    return this.#files.partitions.get(keyOf(partition, '')) as PartitionState | undefined;
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (thrown) {
      throw failure(thrown, 'reading the document table');
    }
  }

  #commit(doing: string, action: () => void): void {
    try {
      this.#files.marker.markDirty();
      this.#writes += 1;
      this.#files.root.transactionSync(action, COMMIT);
    } catch (thrown) {
      throw failure(thrown, doing);
    }
    if (this.#idleFlush === undefined) this.#flushWhenIdle();
  }

  /** After a second without writes. */
  #flushWhenIdle(): void {
    const writes = this.#writes;
    this.#idleFlush = setTimeout(() => {
      this.#idleFlush = undefined;
      if (writes !== this.#writes) this.#flushWhenIdle();
      // What fails here stays dirty, and the next flushed() or close() says so.
      else this.flushed().catch(() => {});
    }, IDLE_FLUSH_MILLISECONDS).unref();
  }
}

/**
 * Opens the table of a folder, making it where there is none. See `fresh` of what comes back: where set, the table is
 * empty and every partition has no position. Errors: `disk-full`, `index-unavailable`.
 */
export const openLmdbDocumentTable = async (options: LmdbDocumentTableOptions): Promise<LmdbDocumentTable> =>
  new LmdbDocumentTable(await openTableFiles(options.folder, options.discard ?? false));
