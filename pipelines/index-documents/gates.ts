/** The first gates: what a document passes before it is embedded, and before its record is written. Pure. */
import type { Draft } from './draft.ts';

export type Gate = 'schema' | 'empty' | 'too-long' | 'embedding' | 'record-too-large';

export type Refusal =
  | {
      readonly gate: 'schema';
      readonly reason: 'mapping-failed' | 'no-tenant' | 'bad-text';
      readonly detail: string;
    }
  | { readonly gate: 'empty'; readonly reason: 'no-text'; readonly detail: string }
  | { readonly gate: 'too-long'; readonly reason: 'too-many-characters'; readonly detail: string }
  | {
      readonly gate: 'embedding';
      readonly reason: 'wrong-dimensions' | 'not-finite' | 'zero-norm';
      readonly detail: string;
    }
  | { readonly gate: 'record-too-large'; readonly reason: 'too-many-bytes'; readonly detail: string };

export interface GateLimits {
  readonly maxTextCharacters: number;
  readonly maxRecordBytes: number;
}

const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** Before embedding. Null: it passes. */
export const gateDraft = (draft: Draft, limits: GateLimits): Refusal | null => {
  if (draft.tenant === '')
    return { gate: 'schema', reason: 'no-tenant', detail: 'the mapping gave an empty tenant' };
  const texts = [draft.text, draft.title, draft.tenant, ...Object.entries(draft.metadata).flat()];
  if (texts.some((text) => LONE_SURROGATE.test(text)))
    return { gate: 'schema', reason: 'bad-text', detail: 'a lone surrogate is no character' };
  if (draft.text.trim() === '')
    return { gate: 'empty', reason: 'no-text', detail: 'no text but white space' };
  if (draft.text.length > limits.maxTextCharacters) {
    return {
      gate: 'too-long',
      reason: 'too-many-characters',
      detail: `${draft.text.length} characters, at most ${limits.maxTextCharacters}`,
    };
  }
  return null;
};

/** After embedding: every vector has the model's size, finite numbers and a length. */
export const gateVectors = (
  vectors: readonly Float32Array[],
  dimensions: number,
  check: (vector: Float32Array, dimensions: number) => 'wrong-dimensions' | 'not-finite' | 'zero-norm' | null,
): Refusal | null => {
  for (const [at, vector] of vectors.entries()) {
    const reason = check(vector, dimensions);
    if (reason) return { gate: 'embedding', reason, detail: `chunk ${at}: ${reason}` };
  }
  return null;
};

/** Before the append. */
export const gateRecord = (bytes: number, limits: GateLimits): Refusal | null =>
  bytes > limits.maxRecordBytes
    ? {
        gate: 'record-too-large',
        reason: 'too-many-bytes',
        detail: `${bytes} bytes, at most ${limits.maxRecordBytes}`,
      }
    : null;
