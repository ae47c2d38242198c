/** The gates behind the model: is every vector fit for the index, and does the record fit its topic. Pure. */
import type { VectorFault } from '../../connectors/models/embedding/check-vector.ts';
import type { Refusal } from './run-gates.ts';

export interface RecordLimits {
  readonly maxRecordBytes: number;
}

/** Every vector has the model's size, finite numbers and a length. */
export const gateVectors = (
  vectors: readonly Float32Array[],
  dimensions: number,
  check: (vector: Float32Array, dimensions: number) => VectorFault | null,
): Refusal | null => {
  for (const [at, vector] of vectors.entries()) {
    const reason = check(vector, dimensions);
    if (reason) return { gate: 'embedding', reason, detail: `chunk ${at}: ${reason}`, finding: null };
  }
  return null;
};

/** Before the append. */
export const gateRecord = (bytes: number, limits: RecordLimits): Refusal | null =>
  bytes > limits.maxRecordBytes
    ? {
        ...{ gate: 'length', reason: 'too-many-bytes', finding: null },
        detail: `a record of ${bytes} bytes, at most ${limits.maxRecordBytes}`,
      }
    : null;
