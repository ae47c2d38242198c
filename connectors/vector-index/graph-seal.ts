/**
 * Checksums of a graph's files. zvec itself notices most files that are cut short, but hardly a flipped bit: it answers
 * from what is there, or the process dies of it (0.7: 130 damages tried). So size and crc32 of every file are kept beside
 * them and compared at opening: 4 GB/s. Files are written once; closing alone changes a few bytes of them.
 */
import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { flushFolder } from '../files/flush-folder.ts';
import { replaceDurably } from '../files/replace-durably.ts';

interface Seal {
  readonly files: Readonly<Record<string, readonly [bytes: number, crc32: number]>>;
  /** True while closing changes them: then nothing can be said. */
  readonly changing: boolean;
}

const SEAL = 'seal.json';
const BYTES_AT_ONCE = 1024 * 1024;

/** Bytes and crc32 of a file; `flush` sees to it that they are on disk. */
const checksumOf = async (path: string, flush: boolean): Promise<readonly [number, number]> => {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(BYTES_AT_ONCE);
    for (let bytes = 0, sum = 0; ; ) {
      const { bytesRead } = await file.read(buffer, 0, BYTES_AT_ONCE, bytes);
      if (bytesRead === 0) {
        if (flush) await file.sync();
        return [bytes, sum];
      }
      sum = crc32(buffer.subarray(0, bytesRead), sum);
      bytes += bytesRead;
    }
  } finally {
    await file.close();
  }
};

const checksumsOf = async (place: string, flush: boolean): Promise<Seal['files']> => {
  const sums: Record<string, readonly [number, number]> = {};
  for (const entry of await readdir(place, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    sums[path.slice(place.length + 1)] = await checksumOf(path, flush);
  }
  return sums;
};

const writeSeal = (folder: string, seal: Seal): void =>
  replaceDurably(join(folder, SEAL), JSON.stringify(seal));

/** The names of what was made there, on disk when it resolves. */
const flushNames = async (place: string): Promise<void> => {
  for (const entry of await readdir(place, { recursive: true, withFileTypes: true }))
    if (entry.isDirectory()) flushFolder(join(entry.parentPath, entry.name));
  flushFolder(place);
};

const readSeal = async (folder: string): Promise<Seal> =>
  JSON.parse(await readFile(join(folder, SEAL), 'utf8')) as Seal;

/** Vouches for the files in `place`, which nobody has open. */
export const sealGraph = async (folder: string, place: string): Promise<void> => {
  const files = await checksumsOf(place, true);
  await flushNames(place);
  writeSeal(folder, { files, changing: false });
};

/** Closes what is open there by `close`, and vouches for what that leaves. */
export const sealAfter = async (folder: string, place: string, close: () => void): Promise<void> => {
  writeSeal(folder, { ...(await readSeal(folder)), changing: true });
  close();
  await sealGraph(folder, place);
};

/** Bytes of all files together. */
export const sealedBytes = async (folder: string): Promise<number> =>
  Object.values((await readSeal(folder)).files).reduce((sum, [bytes]) => sum + bytes, 0);

/** The first file that is not as it was sealed; undefined where all are. Throws where there is no seal to read. */
export const damagedFile = async (folder: string, place: string): Promise<string | undefined> => {
  const { files, changing } = await readSeal(folder);
  const found = await checksumsOf(place, false);
  return Object.entries(files).find(([name, [bytes, sum]]) => {
    const held = found[name];
    return held === undefined || (!changing && (held[0] !== bytes || held[1] !== sum));
  })?.[0];
};
