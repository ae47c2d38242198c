/**
 * A record as it stands in a batch (record format v2): the library's own encoding byte for byte, in one buffer of the size it needs.
 * The library fills a buffer of 512 bytes for the record and for each of its headers, and one for every number, which was a
 * sixth of a worker's time (decision 27). Source: https://kafka.apache.org/documentation/#record.
 */

type Bytes = Buffer | string;

/** What the library hands over: a message with its place in the batch. */
export interface RecordOfBatch {
  readonly offsetDelta?: number;
  /** Milliseconds after the first of the batch. */
  readonly timestampDelta?: number;
  readonly key?: Bytes | null;
  readonly value?: Bytes | null;
  readonly headers?: Readonly<Record<string, Bytes | readonly Bytes[] | undefined>>;
}

/** As much of the library's Encoder as a batch asks of its records. */
export interface EncodedRecord {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

const bytesOf = (value: Bytes): number =>
  typeof value === 'string' ? Buffer.byteLength(value) : value.length;

/** Of a number of 32 bits that is not negative, as Kafka writes all of its lengths: zigzag, seven bits a byte. */
const sizeOfLength = (length: number): number =>
  length < 64 ? 1 : length < 8_192 ? 2 : length < 1_048_576 ? 3 : length < 134_217_728 ? 4 : 5;

const sizeOf = (value: Bytes | null | undefined): number => {
  if (value === null || value === undefined) return 1;
  const bytes = bytesOf(value);
  return sizeOfLength(bytes) + bytes;
};

/** A record of the same moment, or of a later one, as nearly all are: without the big integers that 64 bits take. */
const isShort = (value: number): boolean => value >= 0 && value < 2 ** 31;

const zigzagOf = (value: number): bigint => (BigInt(value) << 1n) ^ (BigInt(value) >> 63n);

const sizeOfLong = (value: number): number => {
  if (isShort(value)) return sizeOfLength(value);
  let size = 1;
  for (let rest = BigInt.asUintN(64, zigzagOf(value)) >> 7n; rest > 0n; rest >>= 7n) size += 1;
  return size;
};

/** Each returns where the next one begins. */
const writeLength = (into: Buffer, at: number, length: number): number => {
  let [rest, end] = [length * 2, at];
  while (rest > 127) {
    into[end] = (rest % 128) + 128;
    rest = Math.floor(rest / 128);
    end += 1;
  }
  into[end] = rest;
  return end + 1;
};

const writeLong = (into: Buffer, at: number, value: number): number => {
  if (isShort(value)) return writeLength(into, at, value);
  let [rest, end] = [BigInt.asUintN(64, zigzagOf(value)), at];
  while (rest > 127n) {
    into[end] = Number(rest & 127n) + 128;
    rest >>= 7n;
    end += 1;
  }
  into[end] = Number(rest);
  return end + 1;
};

const write = (into: Buffer, at: number, value: Bytes | null | undefined): number => {
  if (value === null || value === undefined) {
    into[at] = 1;
    return at + 1;
  }
  const start = writeLength(into, at, bytesOf(value));
  return start + (typeof value === 'string' ? into.write(value, start) : value.copy(into, start));
};

export const encodeRecord = ({
  offsetDelta = 0,
  timestampDelta = 0,
  key,
  value,
  headers = {},
}: RecordOfBatch): EncodedRecord => {
  const fields: Bytes[] = [];
  for (const name in headers) {
    const held = headers[name];
    if (Array.isArray(held)) for (const each of held) fields.push(name, each);
    else fields.push(name, held as Bytes);
  }
  let body =
    1 +
    sizeOfLong(timestampDelta) +
    sizeOfLength(offsetDelta) +
    sizeOf(key) +
    sizeOf(value) +
    sizeOfLength(fields.length / 2);
  for (const field of fields) body += sizeOf(field);
  const buf = Buffer.allocUnsafe(sizeOfLength(body) + body);
  let at = writeLength(buf, 0, body);
  // No attributes are in use.
  buf[at] = 0;
  at = writeLong(buf, at + 1, timestampDelta);
  at = writeLength(buf, at, offsetDelta);
  at = write(buf, at, key);
  at = write(buf, at, value);
  at = writeLength(buf, at, fields.length / 2);
  for (const field of fields) at = write(buf, at, field);
  return { buf, buffer: buf };
};
