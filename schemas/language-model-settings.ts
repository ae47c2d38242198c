/** An entry of `languageModel` in the configuration, checked. */
import { z } from 'zod';
import { LONGEST_TIMER_MS } from './clock.ts';

export const decimal = z.string().regex(/^\d{1,9}(\.\d{1,12})?$/, 'an exact decimal such as "0.50"');
export const count = z.int().min(1);

const remoteLanguageModel = {
  model: z.string().min(1),
  id: z.string().min(1).max(200).optional(),
  price: z
    .strictObject({
      inputPerMillionUsd: decimal,
      outputPerMillionUsd: decimal,
      cachedInputPerMillionUsd: decimal.optional(),
      cacheWritePerMillionUsd: decimal.optional(),
    })
    .optional(),
  contextTokens: z.int().min(256).max(100_000_000).optional(),
  limits: z
    .strictObject({
      concurrency: count,
      requestsPerMinute: count,
      tokensPerMinute: count,
      timeoutMs: count.max(LONGEST_TIMER_MS),
    })
    .partial()
    .optional(),
};
export const LANGUAGE_MODEL = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('extractive') }),
  z.strictObject({
    kind: z.literal('openai-compatible'),
    ...remoteLanguageModel,
    baseUrl: z.url(),
    apiKey: z.string().optional(),
    outputLimitField: z.enum(['max_tokens', 'max_completion_tokens']).optional(),
  }),
  z
    .strictObject({
      kind: z.literal('anthropic'),
      ...remoteLanguageModel,
      baseUrl: z.url().optional(),
      apiKey: z.string().min(1),
      thinking: z
        .union([z.literal('adaptive'), z.strictObject({ budgetTokens: z.int().min(1_024).max(1_000_000) })])
        .optional(),
      promptCache: z.boolean().optional(),
    })
    // A table without it would count a write at the full price, which is less than the provider charges.
    .refine(
      ({ promptCache, price }) => !promptCache || !price || price.cacheWritePerMillionUsd !== undefined,
      {
        path: ['price', 'cacheWritePerMillionUsd'],
        message: 'is needed with promptCache: writes to the cache cost more than the full price',
      },
    ),
  z.strictObject({ kind: z.literal('ollama'), ...remoteLanguageModel, baseUrl: z.url().optional() }),
]);
