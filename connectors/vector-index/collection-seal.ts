/**
 * Checksums of a collection's files. zvec itself notices nearly every file cut short, but neither a flipped bit in
 * vectors and fields nor a cut write-ahead log: it answers from what is there, or the process dies of it (measured on 0.7).
 * So closing writes the size and crc32 of every file, and opening compares them: the whole index at 4 GB/s.
 *
 * Between opening and closing there is a note with the boot id instead. Left behind by this boot: the process was
 * killed, every acknowledged row is in the page cache, but no checksum vouches for the files. Left by another boot: zvec
 * doesn't flush each write to disk, acknowledged rows may be gone, so the index must be made anew.
 */

import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { bootId } from '../document-table/boot-id.ts';

/** What the note beside a collection says of it. */
export type SealState = 'sealed' | 'killed' | 'damaged' | 'torn';

type Checksums = Readonly<Record<string, readonly [bytes: number, crc32: number]>>;

const NOTE = 'rows.seal.json';
const BYTES_AT_ONCE = 1024 * 1024;
/** Some damage ends the process inside the engine (SIGSEGV): so many openings that never returned are taken for it. */
const FATAL_OPENINGS = 2;

const checksumOf = async (path: string): Promise<readonly [number, number]> => {
  const file = await open(path);
  try {
    const buffer = Buffer.allocUnsafe(BYTES_AT_ONCE);
    for (let bytes = 0, sum = 0; ; ) {
      const { bytesRead } = await file.read(buffer, 0, BYTES_AT_ONCE, bytes);
      if (bytesRead === 0) return [bytes, sum];
      sum = crc32(buffer.subarray(0, bytesRead), sum);
      bytes += bytesRead;
    }
  } finally {
    await file.close();
  }
};

const checksumsOf = async (place: string): Promise<Checksums> => {
  const sums: Record<string, readonly [number, number]> = {};
  for (const entry of await readdir(place, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    sums[path.slice(place.length + 1)] = await checksumOf(path);
  }
  return sums;
};

interface Note {
  /** Of a closed collection. */
  readonly files?: Checksums;
  /** Of one that was opened. */
  readonly boot?: string;
  /** Openings begun since the last that came to an end. */
  readonly openings?: number;
}

const readNote = (folder: string): Note | undefined => {
  try {
    return JSON.parse(readFileSync(join(folder, NOTE), 'utf8')) as Note;
  } catch {
    return undefined;
  }
};

/** On disk when it returns, and never half. */
const writeNote = (folder: string, note: Note): void => {
  const path = join(folder, NOTE);
  const file = openSync(`${path}.new`, 'w');
  try {
    writeSync(file, JSON.stringify(note));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(`${path}.new`, path);
};

/** After closing the collection whose files lie in `place`. */
export const sealCollection = async (folder: string, place: string): Promise<void> => {
  writeNote(folder, { files: await checksumsOf(place) });
};

/** Right before the engine opens it, for that writes already. */
export const noteOpening = (folder: string): void => {
  const openings = readNote(folder)?.openings ?? 0;
  writeNote(folder, { boot: bootId(), openings: openings + 1 });
};

/** When the engine has opened it, or has refused to. */
export const noteOpened = (folder: string): void => {
  writeNote(folder, { boot: bootId() });
};

/** Before opening: reads every file of a sealed collection. */
export const checkSeal = async (folder: string, place: string): Promise<SealState> => {
  const note = readNote(folder);
  if (note === undefined) return 'torn';
  if (note.files === undefined) {
    if (note.boot !== bootId()) return 'torn';
    return (note.openings ?? 0) >= FATAL_OPENINGS ? 'damaged' : 'killed';
  }
  const found = await checksumsOf(place);
  const same = Object.entries(note.files).every(([name, [bytes, sum]]) => {
    const held = found[name];
    return held !== undefined && held[0] === bytes && held[1] === sum;
  });
  return same ? 'sealed' : 'damaged';
};
