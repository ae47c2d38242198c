/** Rows → requests within Pinecone's limits. Pure. */
import { metadataOf, type PineconeMetadata } from './pinecone-names.ts';
import type { VectorRow } from './vector-index.ts';

export interface PineconeRecord {
  readonly id: string;
  readonly values: number[];
  readonly metadata: PineconeMetadata;
}

export interface PineconeLimits {
  /** Of one upsert or delete; the documented limit is 1,000. */
  readonly maxRecords: number;
  /** Of one upsert's body; the documented limit is 2 MB. */
  readonly maxBytes: number;
}

export const PINECONE_LIMITS: PineconeLimits = { maxRecords: 1_000, maxBytes: 1_800_000 };

/** Nine digits tell every float32 from the next; a double's seventeen would double the bytes. */
export const recordOf = (row: VectorRow): PineconeRecord => ({
  id: row.id,
  values: Array.from(row.vector, (part) => Number(part.toPrecision(9))),
  metadata: metadataOf(row),
});

export const cutBatches = (
  records: readonly PineconeRecord[],
  limits: PineconeLimits,
): readonly (readonly PineconeRecord[])[] => {
  const batches: PineconeRecord[][] = [];
  let open: PineconeRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = Buffer.byteLength(JSON.stringify(record)) + 1;
    if (open.length > 0 && (open.length >= limits.maxRecords || bytes + size > limits.maxBytes)) {
      batches.push(open);
      open = [];
      bytes = 0;
    }
    open.push(record);
    bytes += size;
  }
  if (open.length > 0) batches.push(open);
  return batches;
};
