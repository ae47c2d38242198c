import type { EmbeddingPurpose } from '../embedding-model.ts';

export type EmbeddingAnswer = {
  /** In the order of the texts. */
  readonly vectors: readonly (readonly number[])[];
  /** What the provider counted; null when it does not say. */
  readonly tokens: number | null;
};

/** A provider's protocol for one model: one request, never retried here, no limits of its own. */
export interface EmbeddingEndpoint {
  /** Provider and model, with all that changes a vector. */
  readonly id: string;
  /** @throws ModelError that says whether to retry, and after how long */
  call(texts: readonly string[], purpose: EmbeddingPurpose, signal: AbortSignal): Promise<EmbeddingAnswer>;
}
