/**
 * Opens the LMDB environment of a document table, or makes it anew where what lies there cannot be trusted: written by
 * another schema or format, cut short, or torn by a crash of the operating system or a flush that failed. The table is a view of
 * freshet.documents, so an empty one is always right: it is read again from there.
 */
import { existsSync, mkdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { Document } from '../../schemas/records.ts';
import { CrashMarker } from './crash-marker.ts';
import { failure, isDamage } from './lmdb-failures.ts';
import { documentFingerprint } from './record-codec.ts';
import { keyOf } from './table-keys.ts';

/** Raised when keys or values are laid out differently. */
const FORMAT = `4 ${documentFingerprint}`;
const FORMAT_KEY = Buffer.from('format');
const JSON_VALUES = { encoding: 'json', keyEncoding: 'binary' } as const;

/** Why a table begins empty. */
export type FreshReason = 'new' | 'asked' | 'other-format' | 'cut-short' | 'torn';

type Root = RootDatabase<unknown, Buffer>;

export interface TableFiles {
  readonly root: Root;
  readonly records: Database<Buffer, Buffer>;
  readonly standings: Database<unknown, Buffer>;
  readonly floors: Database<unknown, Buffer>;
  /** Row id → origin. */
  readonly origins: Database<unknown, Buffer>;
  readonly stale: Database<unknown, Buffer>;
  /** Fingerprint → document (fingerprint-keys.ts). */
  readonly looks: Database<unknown, Buffer>;
  /** Tenant, source and version → refused document (refusal-keys.ts). */
  readonly refusals: Database<unknown, Buffer>;
  /** Partition → position and counts. */
  readonly partitions: Database<unknown, Buffer>;
  readonly marker: CrashMarker;
  readonly folder: string;
  readonly path: string;
  /** Undefined where the table goes on. */
  readonly fresh: FreshReason | undefined;
}

export type Standing = {
  readonly version: string;
  readonly kind: Document['kind'];
  readonly offset: number;
  /** See fingerprint-keys.ts; absent where the table looks for no duplicates. */
  readonly look?: string;
  /** See refusal-keys.ts; of a refused document alone. */
  readonly refusal?: string;
};
export type PartitionState = {
  readonly position: number;
  readonly documents: number;
  readonly markers: number;
  readonly historyEnd?: number;
  /** Milliseconds since the Unix epoch. */
  readonly writtenAt: number;
};

export const standingOf = (files: TableFiles, key: Buffer): Standing | undefined =>
  files.standings.get(key) as Standing | undefined;

export const partitionOf = (files: TableFiles, partition: number): PartitionState | undefined =>
  files.partitions.get(keyOf(partition, '')) as PartitionState | undefined;

const bytesCounted = (root: Root): number => {
  const { pageSize, lastPageNumber } = root.getStats() as { pageSize: number; lastPageNumber: number };
  return pageSize * (lastPageNumber + 1);
};

/** LMDB leaves pages at the end unwritten when they are free already; the file must have them for the check at opening. */
export const padFile = (files: Pick<TableFiles, 'root' | 'path'>): void => {
  const bytes = bytesCounted(files.root);
  if (statSync(files.path).size < bytes) truncateSync(files.path, bytes);
};

/**
 * noSync: a commit is in the page cache when it returns, which kill -9 doesn't lose, and costs a tenth of an fdatasync.
 * LMDB then promises nothing after a crash of the operating system; CrashMarker notices that one.
 */
const openRoot = (path: string): Root =>
  open<unknown, Buffer>({ path, noSync: true, maxDbs: 12, ...JSON_VALUES });

/** LMDB's two first pages: with less of them it dies of reading one (SIGSEGV). */
const LEAST_BYTES = 2 * 4_096;

/** The environment as it lies there, or why it cannot be used. Touches no page but the two first. */
const openHeld = async (path: string): Promise<Root | 'cut-short'> => {
  if (statSync(path).size < LEAST_BYTES) return 'cut-short';
  try {
    const root = openRoot(path);
    // A read past the end of the file would kill the process (SIGBUS), so never get there.
    if (statSync(path).size >= bytesCounted(root)) return root;
    await root.close();
    return 'cut-short';
  } catch (thrown) {
    if (isDamage(thrown)) return 'cut-short';
    throw thrown;
  }
};

const openDatabases = (root: Root) => ({
  records: root.openDB<Buffer, Buffer>('records', { encoding: 'binary', keyEncoding: 'binary' }),
  standings: root.openDB<unknown, Buffer>('standings', JSON_VALUES),
  floors: root.openDB<unknown, Buffer>('floors', JSON_VALUES),
  origins: root.openDB<unknown, Buffer>('origins', JSON_VALUES),
  stale: root.openDB<unknown, Buffer>('stale', JSON_VALUES),
  looks: root.openDB<unknown, Buffer>('looks', JSON_VALUES),
  refusals: root.openDB<unknown, Buffer>('refusals', JSON_VALUES),
  partitions: root.openDB<unknown, Buffer>('partitions', JSON_VALUES),
});

/** Errors: `disk-full`, `index-unavailable`. */
export const openTableFiles = async (folder: string, discard: boolean): Promise<TableFiles> => {
  try {
    mkdirSync(folder, { recursive: true });
    const path = join(folder, 'table.mdb');
    const marker = new CrashMarker(join(folder, 'table.state'));
    let fresh: FreshReason | undefined;
    let root: Root | undefined;
    if (!existsSync(path)) fresh = 'new';
    else if (discard) fresh = 'asked';
    else if (marker.torn) fresh = 'torn';
    else {
      const held = await openHeld(path);
      if (held === 'cut-short') fresh = held;
      else {
        const formats = held.openDB<unknown, Buffer>('format', JSON_VALUES);
        if (formats.get(FORMAT_KEY) === FORMAT) root = held;
        else {
          await held.close();
          fresh = 'other-format';
        }
      }
    }
    if (root === undefined) {
      rmSync(path, { force: true });
      rmSync(`${path}-lock`, { force: true });
      marker.markDirty();
      root = openRoot(path);
      root.openDB<unknown, Buffer>('format', JSON_VALUES).putSync(FORMAT_KEY, FORMAT);
    }
    return { root, ...openDatabases(root), marker, folder, path, fresh };
  } catch (thrown) {
    throw failure(thrown, 'opening the document table', folder);
  }
};
