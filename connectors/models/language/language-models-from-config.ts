import { createHash } from 'node:crypto';
import type { FreshetConfig, LanguageModelConfig } from '../../../schemas/config.ts';
import { createAnthropicModel } from './anthropic-model.ts';
import { createCallLimiter } from './call-limiter.ts';
import { createExtractiveModel } from './extractive-model.ts';
import type { LanguageModel } from './language-model.ts';
import { createLimitedModel } from './limited-model.ts';
import { createOllamaModel } from './ollama-model.ts';
import { createOpenAiCompatibleModel } from './openai-compatible-model.ts';
import { createProviderHold, type ProviderHold } from './provider-hold.ts';
import type { SharedLimits } from './shared-limits.ts';

type RemoteConfig = Exclude<LanguageModelConfig, { readonly kind: 'extractive' }>;

const FREE = { inputPerMillionUsd: '0', outputPerMillionUsd: '0' };
/** A provider that asks for more than this is given up for the next model. */
const MAX_HOLD_MS = 15_000;

/**
 * The language models a configuration names, in order of fallback, each behind its limits. Opens nothing: the first call
 * connects. Models with the same address and key are one provider's: what one is told (Retry-After) holds back all. To be
 * called once in a process, as each call has limits of its own; with `shared`, other processes count with it. Without a price a
 * model counts as free, as one on the own machine is: then no money cap holds it, only the caps on steps and time.
 */
export const languageModelsFromConfig = (
  config: Pick<FreshetConfig, 'languageModel'>,
  shared?: SharedLimits,
): readonly LanguageModel[] => {
  const now = (): number => performance.now();
  const holds = new Map<string, ProviderHold>();
  const { languageModel } = config;
  const entries = 'kind' in languageModel ? [languageModel] : languageModel;
  return entries.map((entry) => {
    if (entry.kind === 'extractive') return createExtractiveModel();
    const provider = providerOf(entry);
    const hold = holds.get(provider) ?? createProviderHold(now, shared?.holdOf(provider));
    holds.set(provider, hold);
    const { concurrency, requestsPerMinute, tokensPerMinute } = entry.limits ?? {};
    const limits = {
      concurrency: concurrency ?? Number.POSITIVE_INFINITY,
      requestsPerMinute: requestsPerMinute ?? Number.POSITIVE_INFINITY,
      tokensPerMinute: tokensPerMinute ?? Number.POSITIVE_INFINITY,
    };
    const remote = remoteModel(entry);
    const id = entry.id ?? remote.id;
    const window = shared?.windowOf(provider, id, limits);
    const limiter = createCallLimiter({ limits, hold, shared: window, maxHoldMs: MAX_HOLD_MS, now });
    return { ...createLimitedModel(remote, { limiter, hold }), id };
  });
};

/** Who counts the calls: told apart by address and key, which is not kept. */
const providerOf = (entry: RemoteConfig): string =>
  createHash('sha256')
    .update(JSON.stringify([entry.kind, entry.baseUrl ?? null, 'apiKey' in entry ? entry.apiKey : null]))
    .digest('hex')
    .slice(0, 16);

const remoteModel = (entry: RemoteConfig): LanguageModel => {
  const { model, contextTokens, limits } = entry;
  const common = { model, contextTokens, price: entry.price ?? FREE, timeoutMs: limits?.timeoutMs };
  switch (entry.kind) {
    case 'openai-compatible': {
      const { baseUrl, apiKey = '', outputLimitField } = entry;
      return createOpenAiCompatibleModel({ ...common, baseUrl, apiKey, outputLimitField });
    }
    case 'anthropic':
      return createAnthropicModel({
        ...common,
        ...{ baseUrl: entry.baseUrl, apiKey: entry.apiKey },
        ...{ thinking: entry.thinking, promptCache: entry.promptCache },
      });
    case 'ollama':
      return createOllamaModel({ ...common, baseUrl: entry.baseUrl });
    default:
      return entry satisfies never;
  }
};
