/**
 * Keys of the document table: four bytes of partition, then the id in UTF-8, so that one range is one partition and a
 * prefix of an id is a prefix of its key. LMDB takes keys of at most 1,978 bytes: a longer id is cut and ends in a digest.
 */
import { createHash } from 'node:crypto';

const PARTITION_BYTES = 4;
const DIGEST_BYTES = 32;
/** UTF-8 bytes of an id that stand in its key as they are. */
export const ID_BYTES_KEPT = 1_800;
/** Above every byte that UTF-8 uses. */
const AFTER_ANY_TEXT = Buffer.from([0xff]);

const partitionBytes = (partition: number): Buffer => {
  const bytes = Buffer.allocUnsafe(PARTITION_BYTES);
  bytes.writeUInt32BE(partition);
  return bytes;
};

/** The key of an id in a partition (0 to 2^32 - 1); injective. */
export const keyOf = (partition: number, id: string): Buffer => {
  const text = Buffer.from(id, 'utf8');
  if (text.length <= ID_BYTES_KEPT) return Buffer.concat([partitionBytes(partition), text]);
  const digest = createHash('sha256').update(text).digest();
  return Buffer.concat([partitionBytes(partition), text.subarray(0, ID_BYTES_KEPT), AFTER_ANY_TEXT, digest]);
};

/** The id of a key; undefined where it was cut. */
export const idOf = (key: Buffer): string | undefined =>
  key.length > PARTITION_BYTES + ID_BYTES_KEPT ? undefined : key.toString('utf8', PARTITION_BYTES);

/** Every key of a partition whose id may begin with the prefix: for prefixes above ID_BYTES_KEPT compare the ids too. */
export const prefixRange = (
  partition: number,
  prefix: string,
): { readonly start: Buffer; readonly end: Buffer } => {
  const start = Buffer.concat([
    partitionBytes(partition),
    Buffer.from(prefix, 'utf8').subarray(0, ID_BYTES_KEPT),
  ]);
  // A cut id goes on with 0xff and its digest, which may be all 0xff.
  return { start, end: Buffer.concat([start, Buffer.alloc(2 + DIGEST_BYTES, 0xff)]) };
};

/** Every key of a partition. */
export const partitionRange = (partition: number): { readonly start: Buffer; readonly end: Buffer } => ({
  start: partitionBytes(partition),
  end: partition === 0xffff_ffff ? Buffer.alloc(PARTITION_BYTES + 1, 0xff) : partitionBytes(partition + 1),
});
