/**
 * The document table in LMDB, one folder per owner. Reads are synchronous and see the last write.
 *
 * What a crash leaves: after kill -9 every write that returned is there, for commits reach the page cache. After a crash
 * of the operating system the files may be torn; the next opening notices it by the boot id and begins empty
 * (`fresh: 'torn'`), a state that freshet.documents explains, and that also puts back rows that the vector index lost.
 * A table idle for a second is flushed and survives that crash whole. After a flush that failed every write is refused
 * (`index-corrupt`), and the next opening begins empty. One process per folder.
 */
import { FreshetError } from '../../schemas/errors.ts';
import { type OwnerLock, tryLock } from '../stack/owner-lock.ts';
import type { RowPlace } from '../vector-index/vector-index.ts';
import { prepareWrite } from './apply-write.ts';
import type {
  ChunkOrigin,
  DocumentTable,
  RefusedStanding,
  StoredDocument,
  TableWrite,
} from './document-table.ts';
import { findLook, removeLook } from './fingerprint-keys.ts';
import { IdleFlush } from './idle-flush.ts';
import { failure } from './lmdb-failures.ts';
import { decodeStored } from './record-codec.ts';
import { listRefusals, removeRefusal } from './refusal-keys.ts';
import {
  type FreshReason,
  openTableFiles,
  padFile,
  partitionOf,
  type Standing,
  standingOf,
  type TableFiles,
} from './table-files.ts';
import { idOf, keyOf, partitionRange, prefixRange } from './table-keys.ts';

export interface LmdbDocumentTableOptions {
  readonly folder: string;
  /** Begin empty whatever lies there. Default false. */
  readonly discard?: boolean;
}

/** Abortable (1), and committed when it returns (2). */
const COMMIT: number = 3;
const MOST_FORGOTTEN = 10_000;

export class LmdbDocumentTable implements DocumentTable {
  /** Why the table began empty at this opening; undefined where it goes on from before. */
  readonly fresh: FreshReason | undefined;
  readonly #files: TableFiles;
  readonly #lock: OwnerLock;
  readonly #idle: IdleFlush;
  /** Stale rows to forget with the next commit: one of its own would cost a third of every small batch. Lost by a crash, they are removed again. */
  readonly #forgotten = new Set<string>();

  /** Use openLmdbDocumentTable. */
  constructor(files: TableFiles, lock: OwnerLock) {
    this.#files = files;
    this.#lock = lock;
    this.fresh = files.fresh;
    this.#idle = new IdleFlush(files.marker, () => this.#sync());
  }

  get(partition: number, documentId: string): StoredDocument | undefined {
    return this.#read(() => {
      const bytes = this.#files.records.getBinary(keyOf(partition, documentId));
      return bytes === undefined ? undefined : decodeStored(bytes);
    });
  }

  standing(partition: number, documentId: string): Standing | undefined {
    return this.#read(() => standingOf(this.#files, keyOf(partition, documentId)));
  }

  standings(...[partition, prefix, { after, most }]: Parameters<DocumentTable['standings']>) {
    return this.#read(() => {
      const { start, end } = prefixRange(partition, prefix);
      const from = after === undefined ? { start } : { start: keyOf(partition, after), exclusiveStart: true };
      const found: (Standing & { readonly documentId: string })[] = [];
      for (const { key, value } of this.#files.standings.getRange({ ...from, end })) {
        const documentId = idOf(key) ?? this.#idOfRecord(key);
        if (documentId?.startsWith(prefix)) found.push({ ...(value as Standing), documentId });
        if (found.length >= most) break;
      }
      return found;
    });
  }

  floor(partition: number, floorId: string): string | undefined {
    const held = this.#read(() => this.#files.floors.get(keyOf(partition, floorId)));
    return (held as { readonly version: string } | undefined)?.version;
  }

  *deleted(partition: number, prefix: string): Iterable<StoredDocument> {
    for (const { key, value } of this.#files.standings.getRange(prefixRange(partition, prefix))) {
      if ((value as Standing).kind !== 'deleted') continue;
      const bytes = this.#files.records.getBinary(key);
      const stored = bytes && decodeStored(bytes);
      if (stored?.record.documentId.startsWith(prefix)) yield stored;
    }
  }

  origin(rowId: string): ChunkOrigin | undefined {
    return this.#read(() => this.#files.origins.get(Buffer.from(rowId))) as ChunkOrigin | undefined;
  }

  *staleRows(): Iterable<RowPlace> {
    for (const { key, value } of this.#files.stale.getRange()) {
      const id = key.toString();
      // Written by an earlier release, it is a number.
      const { tenant = null } = value as { readonly tenant?: string | null };
      if (!this.#forgotten.has(id)) yield { id, tenant };
    }
  }

  position(partition: number): number | undefined {
    return this.#read(() => partitionOf(this.#files, partition))?.position;
  }

  historyEnd(partition: number): number | undefined {
    return this.#read(() => partitionOf(this.#files, partition))?.historyEnd;
  }

  writtenAt(partition: number): number | undefined {
    return this.#read(() => partitionOf(this.#files, partition))?.writtenAt;
  }

  countOf(partition: number, prefix: string): number {
    return this.#read(() => {
      let documents = 0;
      for (const { value } of this.#files.standings.getRange(prefixRange(partition, prefix)))
        if ((value as Standing).kind === 'document') documents += 1;
      return documents;
    });
  }

  find(...asked: Parameters<DocumentTable['find']>) {
    return this.#read(() => findLook(this.#files, ...asked));
  }

  refusals(tenant: string, source: string): Iterable<RefusedStanding> {
    return listRefusals(this.#files, tenant, source);
  }

  count(partition: number): { readonly documents: number; readonly markers: number } {
    const { documents = 0, markers = 0 } = this.#read(() => partitionOf(this.#files, partition)) ?? {};
    return { documents, markers };
  }

  write(...writes: readonly TableWrite[]): void {
    const prepared = writes.map((write) => prepareWrite(this.#files, write));
    this.#commit('writing to the document table', () => {
      for (const write of prepared) write();
    });
  }

  forgetStaleRows(rowIds: readonly string[]): void {
    for (const rowId of rowIds) this.#forgotten.add(rowId);
    if (this.#forgotten.size > MOST_FORGOTTEN) this.#forget();
  }

  clear(partition: number): void {
    this.#commit('clearing a partition of the document table', () => {
      const { records, standings, floors, origins, stale, partitions } = this.#files;
      for (const { key, value } of standings.getRange(partitionRange(partition))) {
        const { look, refusal, version } = value as Standing;
        const bytes = (look ?? refusal) && records.getBinary(key);
        if (!bytes) continue;
        const { documentId } = decodeStored(bytes).record;
        if (look) removeLook(this.#files, look, documentId);
        if (refusal) removeRefusal(this.#files, refusal, version, documentId);
      }
      for (const database of [records, standings, floors, partitions]) {
        for (const key of [...database.getKeys(partitionRange(partition))]) database.removeSync(key);
      }
      // Its own alone: those of a large index, once for each of its partitions, are a gigabyte.
      const rows: Buffer[] = [];
      for (const { key, value } of origins.getRange())
        if ((value as ChunkOrigin).partition === partition) rows.push(key);
      for (const key of rows) {
        origins.removeSync(key);
        stale.putSync(key, { tenant: null });
      }
    });
  }

  async flushed(): Promise<void> {
    await this.#idle.now();
  }

  async close(): Promise<void> {
    this.#idle.stop();
    try {
      if (this.#forgotten.size > 0) this.#forget();
      padFile(this.#files);
      await this.flushed();
    } finally {
      await this.#idle.settled();
      await this.#files.root.close();
      await this.#lock.release();
    }
  }

  /** What lies there is damaged: nothing is written any more, and the next opening begins empty. */
  condemn(damage: FreshetError): void {
    this.#idle.condemn(damage);
  }

  #idOfRecord(key: Buffer): string | undefined {
    const bytes = this.#files.records.getBinary(key);
    return bytes && decodeStored(bytes).record.documentId;
  }

  #read<T>(read: () => T): T {
    try {
      return read();
    } catch (thrown) {
      throw failure(thrown, 'reading the document table', this.#files.folder);
    }
  }

  #forget(): void {
    this.#commit('forgetting stale rows', () => undefined);
  }

  #commit(doing: string, action: () => void): void {
    try {
      this.#idle.writing();
      this.#files.root.transactionSync(() => {
        for (const rowId of this.#forgotten) this.#files.stale.removeSync(Buffer.from(rowId));
        action();
      }, COMMIT);
      this.#forgotten.clear();
    } catch (thrown) {
      throw failure(thrown, doing, this.#files.folder);
    }
  }

  async #sync(): Promise<void> {
    // LMDB's own sync, on another thread; missing in its types.
    const { root } = this.#files as unknown as { root: { sync(done: (error: unknown) => void): void } };
    await new Promise<void>((resolve, reject) => {
      root.sync((error) => {
        if (error) reject(failure(error, 'flushing the document table', this.#files.folder));
        else resolve();
      });
    });
  }
}

/**
 * Opens the table of a folder, making it where there is none. See `fresh` of what comes back: where set, the table is
 * empty and every partition has no position. Errors: `disk-full`, `index-unavailable`.
 */
export const openLmdbDocumentTable = async (
  options: LmdbDocumentTableOptions,
): Promise<LmdbDocumentTable> => {
  const lock = await tryLock(`${options.folder}.lock`);
  if ('heldBy' in lock) {
    throw new FreshetError(
      'index-unavailable',
      `process ${lock.heldBy} works in ${options.folder} already; give this copy another --name`,
    );
  }
  try {
    return new LmdbDocumentTable(await openTableFiles(options.folder, options.discard ?? false), lock);
  } catch (error) {
    await lock.release();
    throw error;
  }
};
