/**
 * Any provider's endpoint as an EmbeddingModel: requests within its limits, several at once, retried, paid for, and
 * left alone while it is down. Nothing is skipped: what cannot be embedded now is an error, and the caller comes again.
 */
import { FreshetError } from '../../../../schemas/errors.ts';
import {
  type BreakerState,
  createGuardedCalls,
  type GuardLimits,
} from '../../../guarded-calls/guarded-calls.ts';
import { ModelError } from '../../language/model-error.ts';
import { isInputCount } from '../../language/token-count.ts';
import type { EmbeddingContext, EmbeddingModel } from '../embedding-model.ts';
import { cutRequests } from './cut-requests.ts';
import type { EmbeddingEndpoint } from './embedding-endpoint.ts';
import type { EmbeddingLedger } from './embedding-ledger.ts';
import { cutToTokens, estimateSpans, estimateTokens, tokenBound } from './estimated-tokens.ts';

export type RemoteEmbeddingOptions = {
  readonly endpoint: EmbeddingEndpoint;
  readonly dimensions: number;
  readonly limits: RemoteEmbeddingLimits;
  readonly ledger?: EmbeddingLedger;
  readonly onBreaker?: (state: BreakerState) => void;
};

export interface RemoteEmbeddingLimits extends GuardLimits {
  readonly maxTextsPerRequest: number;
  readonly maxTokensPerRequest: number;
  /** Of one text; what follows is cut off. */
  readonly maxTokensPerText: number;
}

export const DEFAULT_REMOTE_LIMITS: RemoteEmbeddingLimits = {
  maxTextsPerRequest: 96,
  maxTokensPerRequest: 100_000,
  maxTokensPerText: 480,
  concurrency: 4,
  attempts: 4,
  timeoutMs: 30_000,
  firstBackoffMs: 250,
  maxBackoffMs: 30_000,
  breakAfter: 5,
  openMs: 5_000,
};

/** Taken by every model: tells a text that is refused from an endpoint that refuses all. */
const PLAIN_TEXT = 'A plain sentence.';
const REFUSED = new Float32Array(0);
/** The size of a model is no fault that passes: it is asked for again after this. */
const WRONG_SIZE_STANDS_MS = 60_000;

export const createRemoteEmbeddingModel = (options: RemoteEmbeddingOptions): EmbeddingModel => {
  const { endpoint, dimensions, limits, ledger } = options;
  const id = `${endpoint.id}@${dimensions}`;
  const calls = createGuardedCalls({
    ...limits,
    judge: (error) =>
      error instanceof ModelError
        ? {
            retry: error.retryable,
            afterMs: error.retryAfterMs,
            down: error.retryable && error.reason !== 'rate-limited',
          }
        : { retry: false, afterMs: null, down: false },
    refusal: (why) => new FreshetError('model-failed', `The embedding endpoint ${id} is not asked: ${why}.`),
    ...(options.onBreaker ? { onBreaker: options.onBreaker } : {}),
  });

  let wrongSize: { readonly error: ModelError; readonly until: number } | undefined;

  const request = (
    texts: readonly string[],
    { purpose = 'document', tenant, wanted }: EmbeddingContext,
  ): Promise<readonly Float32Array[]> =>
    calls.run(async (signal) => {
      // Whoever waits for it asks again every few seconds, and each answer is paid for.
      if (wrongSize && performance.now() < wrongSize.until) throw wrongSize.error;
      const boundTokens = tokenBound(texts);
      const reservation = await ledger?.reserve({ model: id, tenant: tenant ?? null, boundTokens });
      try {
        const { vectors, tokens } = await endpoint.call(texts, purpose, signal);
        reservation?.settle(isInputCount(tokens) ? tokens : boundTokens);
        const error = wrongSizeOf(vectors, dimensions, id);
        if (error) {
          // One odd vector among others says nothing of the model.
          if (vectors.every((vector) => vector.length !== dimensions))
            wrongSize = { error, until: performance.now() + WRONG_SIZE_STANDS_MS };
          throw error;
        }
        return checkAnswer(texts.length, vectors, id);
      } catch (error) {
        if (error instanceof ModelError && !error.mayHaveCost) reservation?.settle(0);
        throw error;
      }
    }, wanted);

  /** A request that is refused as it is goes in halves, until the text that is refused stands alone. */
  const requestOrHalve = async (
    texts: readonly string[],
    asked: EmbeddingContext,
  ): Promise<readonly Float32Array[]> => {
    try {
      return await request(texts, asked);
    } catch (error) {
      if (!isRefusedInput(error)) throw error;
      if (texts.length === 1) {
        // If a plain sentence is refused too, the model or the configuration is wrong, and no document is to blame.
        await request([PLAIN_TEXT], asked);
        return [REFUSED];
      }
      const middle = texts.length >> 1;
      const first = await requestOrHalve(texts.slice(0, middle), asked);
      return [...first, ...(await requestOrHalve(texts.slice(middle), asked))];
    }
  };

  return {
    id,
    dimensions,
    maxTokens: limits.maxTokensPerText,
    embed: async (texts, asked = {}) => {
      const cut = texts.map((text) => cutToTokens(text, limits.maxTokensPerText));
      const requests = cutRequests(cut.map(estimateTokens), {
        maxTexts: limits.maxTextsPerRequest,
        maxTokens: limits.maxTokensPerRequest,
      });
      const vectors = new Array<Float32Array>(texts.length);
      // All settle before the first error is passed on: the next try must not run beside the rest of this one.
      const ended = await Promise.allSettled(
        requests.map(async (positions) => {
          const answered = await requestOrHalve(
            positions.map((position) => cut[position] ?? ''),
            asked,
          );
          for (const [place, position] of positions.entries()) vectors[position] = answered[place] ?? REFUSED;
        }),
      );
      for (const each of ended) if (each.status === 'rejected') throw each.reason;
      return vectors;
    },
    countTokens: estimateTokens,
    tokenSpans: estimateSpans,
    close: async () => calls.close(),
  };
};

/** 400, 413 and 422 speak of the input; other refusals (key, model name, quota) of the configuration. */
const isRefusedInput = (error: unknown): boolean =>
  error instanceof ModelError &&
  error.reason === 'refused' &&
  /answered (?:400|413|422)\b/.test(error.message);

const wrongSizeOf = (
  vectors: readonly (readonly number[])[],
  dimensions: number,
  id: string,
): ModelError | undefined => {
  const other = vectors.find((vector) => vector.length !== dimensions);
  return (
    other &&
    new ModelError(
      `${id} gave a vector of ${other.length} dimensions. Set dimensions of the model in freshet.config.ts.`,
      { reason: 'refused', retryable: false, retryAfterMs: null, mayHaveCost: true },
    )
  );
};

const checkAnswer = (
  texts: number,
  vectors: readonly (readonly number[])[],
  id: string,
): readonly Float32Array[] => {
  if (vectors.length !== texts)
    throw new ModelError(`${id} gave ${vectors.length} vectors for ${texts} texts.`, {
      reason: 'interrupted',
      retryable: true,
      retryAfterMs: null,
      mayHaveCost: true,
    });
  return vectors.map(unitVector);
};

/** The zero vector stays as it is: the gate refuses it. */
const unitVector = (values: readonly number[]): Float32Array => {
  const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
  return Float32Array.from(values, (value) => (norm === 0 ? value : value / norm));
};
