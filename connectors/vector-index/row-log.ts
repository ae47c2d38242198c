/**
 * What was written and removed since the last build, on disk: the memory of RecentRows. A record is a head of twelve bytes
 * (length, its complement, crc32 of the body) and a body (kind, id, and for a row tenant, tags and vector). Appended
 * records are in the page cache when `append` returns: kill -9 doesn't lose them.
 */
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { FreshetError, toError } from '../../schemas/errors.ts';
import { bytesOfVector, vectorOfBytes } from './vector-codec.ts';
import { HASH_DIGITS, type HashedRow } from './zvec-rows.ts';

export type LogEntry =
  | { readonly kind: 'row'; readonly row: HashedRow }
  | { readonly kind: 'removed'; readonly id: string };

const HEAD_BYTES = 12;
const HASH_BYTES = HASH_DIGITS / 2;
const ROW = 1;
const REMOVED = 2;

const bodyOf = (entry: LogEntry): Buffer => {
  if (entry.kind === 'removed') return Buffer.concat([Buffer.of(REMOVED), Buffer.from(entry.id, 'hex')]);
  const { id, tenant, tags, vector } = entry.row;
  const count = Buffer.alloc(2);
  count.writeUInt16LE(tags.length);
  const hashes = Buffer.from([id, tenant, ...tags].join(''), 'hex');
  return Buffer.concat([Buffer.of(ROW), count, hashes, bytesOfVector(vector)]);
};

const recordOf = (entry: LogEntry): Buffer => {
  const body = bodyOf(entry);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32LE(body.length);
  head.writeUInt32LE(~body.length >>> 0, 4);
  head.writeUInt32LE(crc32(body), 8);
  return Buffer.concat([head, body]);
};

const entryOf = (body: Buffer): LogEntry => {
  const hashes = (from: number, count: number): readonly string[] =>
    Array.from({ length: count }, (_, place) =>
      body.subarray(from + place * HASH_BYTES, from + (place + 1) * HASH_BYTES).toString('hex'),
    );
  if (body[0] === REMOVED) return { kind: 'removed', id: hashes(1, 1).join('') };
  const count = body.readUInt16LE(1);
  const [id = '', tenant = '', ...tags] = hashes(3, 2 + count);
  const vector = vectorOfBytes(body.subarray(3 + (2 + count) * HASH_BYTES));
  return { kind: 'row', row: { id, tenant, tags, vector } };
};

/**
 * The entries of a log in order, and how many bytes they take: what follows is a record that was never acknowledged, cut
 * by a kill. Errors: `index-corrupt` where a whole record fails its checksum.
 */
export const readLog = (path: string): { readonly entries: readonly LogEntry[]; readonly bytes: number } => {
  const file = readFileSync(path);
  const entries: LogEntry[] = [];
  let at = 0;
  const damaged = (): FreshetError =>
    new FreshetError(
      'index-corrupt',
      `a record of ${path} at byte ${at} fails its checksum; \`freshet index rebuild\` makes the index anew from the log`,
    );
  while (file.length - at >= HEAD_BYTES) {
    const length = file.readUInt32LE(at);
    if (file.readUInt32LE(at + 4) !== ~length >>> 0) throw damaged();
    const end = at + HEAD_BYTES + length;
    if (end > file.length) break;
    const body = file.subarray(at + HEAD_BYTES, end);
    if (crc32(body) !== file.readUInt32LE(at + 8)) throw damaged();
    entries.push(entryOf(body));
    at = end;
  }
  return { entries, bytes: at };
};

/**
 * Of a log that nobody writes to any more: on disk when it returns. Errors: `index-corrupt` where that fails, as the system may
 * say at the next opening that all is well.
 */
export const flushLog = (path: string): void => {
  const file = openSync(path, 'r');
  try {
    fdatasyncSync(file);
  } catch (thrown) {
    const cause = toError(thrown);
    const message = `${path} could not be flushed (${cause.message}); \`freshet index rebuild\` makes the index anew from the log`;
    throw new FreshetError('index-corrupt', message, { cause });
  } finally {
    closeSync(file);
  }
};

export class RowLog {
  readonly #file: number;
  #bytes: number;
  /** Under way. */
  #flushes = 0;
  #closing = false;

  /** Goes on after `bytes`, 0 to begin anew; what lies behind is cut off. */
  constructor(path: string, bytes: number) {
    this.#file = openSync(path, 'a');
    this.#bytes = bytes;
    try {
      ftruncateSync(this.#file, bytes);
    } catch (thrown) {
      this.close();
      throw thrown;
    }
  }

  /** All of them or none. Throws what the file system says. */
  append(entries: readonly LogEntry[]): void {
    const bytes = Buffer.concat(entries.map(recordOf));
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#file, bytes, written);
      this.#bytes += bytes.length;
    } catch (thrown) {
      ftruncateSync(this.#file, this.#bytes);
      throw thrown;
    }
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** On disk when it resolves. Asked once more after a failure it may say so of what is lost: see IdleFlush. */
  async flushed(): Promise<void> {
    this.#flushes += 1;
    try {
      await promisify(fdatasync)(this.#file);
    } finally {
      this.#flushes -= 1;
      if (this.#closing) this.close();
    }
  }

  /**
   * Never throws: what has to be on disk was flushed before. Its descriptor goes once no flush is under way: that would
   * fail, or be of the file that has the number by then.
   */
  close(): void {
    this.#closing = true;
    if (this.#flushes > 0) return;
    try {
      closeSync(this.#file);
    } catch {
      // Its descriptor is free all the same.
    }
  }
}
