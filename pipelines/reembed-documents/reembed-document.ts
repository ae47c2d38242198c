/** A document of freshet.documents → the same document under another model. Text, tenant, version and timing stay. */
import { checkVector } from '../../connectors/models/embedding/check-vector.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import { isSearchable } from '../../schemas/document-order.ts';
import type { Document } from '../../schemas/records.ts';
import type { ChunkLimits } from '../index-documents/chunk-text.ts';
import { type ChunkPlan, chunkDraft, chunkOf, knownVectors } from '../index-documents/document-records.ts';

export interface PlannedDocument {
  readonly record: Document;
  readonly chunks: readonly ChunkPlan[];
  /** Vectors that the last record of this model holds, by chunk hash. */
  readonly known: ReadonlyMap<string, Buffer>;
}

/** Markers without chunks stay what they are; one that keeps what was good before keeps it under the new model. `last`: of the same document under the new model, if it is known. */
export const planDocument = (
  record: Document,
  last: Document | undefined,
  model: Pick<EmbeddingModel, 'id'>,
  limits: ChunkLimits,
): PlannedDocument =>
  isSearchable(record)
    ? {
        record,
        chunks: chunkDraft({ ...record, tenant: record.tenant ?? '' }, limits, model.id),
        known: knownVectors(last, model.id),
      }
    : { record, chunks: [], known: new Map() };

/** A marker in a document's place: this model has no vector for it. */
export const unembedded = (record: Document, reason: string): Document => ({
  ...record,
  kind: 'refused',
  title: '',
  text: '',
  metadata: {},
  model: '',
  chunks: [],
  flags: [],
  stale: null,
  fingerprint: null,
  reason: `embedding: ${reason}`,
});

/** The record under the new model. `vectors`: of chunks that are not known, by hash. */
export const documentUnder = (
  { record, chunks, known }: PlannedDocument,
  model: Pick<EmbeddingModel, 'id' | 'dimensions'>,
  vectors: ReadonlyMap<string, Float32Array>,
): Document => {
  if (!isSearchable(record)) return record;
  const fresh = chunks.filter(({ hash }) => !known.has(hash)).map(({ hash }) => vectors.get(hash));
  const fault = fresh
    .map((vector) => checkVector(vector ?? new Float32Array(0), model.dimensions))
    .find((each) => each !== null);
  if (fault) return unembedded(record, fault);
  return {
    ...record,
    model: model.id,
    chunks: chunks.map((chunk) =>
      chunkOf(chunk, known.get(chunk.hash) ?? vectors.get(chunk.hash) ?? Buffer.alloc(0)),
    ),
  };
};
