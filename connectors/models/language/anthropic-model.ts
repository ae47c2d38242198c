import { createAnthropic } from '@ai-sdk/anthropic';
import { estimateTokens } from './estimate-tokens.ts';
import type { LanguageModel, ModelPrice } from './language-model.ts';
import type { CallLimits } from './model-call.ts';
import { streamChatModel } from './stream-chat-model.ts';

export type AnthropicOptions = CallLimits & {
  /** Up to and without `/messages`. Default `https://api.anthropic.com/v1`. */
  readonly baseUrl?: string | undefined;
  readonly model: string;
  /** Sent as `x-api-key`. */
  readonly apiKey: string;
  readonly price: ModelPrice;
  /** Default 200,000. */
  readonly contextTokens?: number | undefined;
};

const BASE_URL = 'https://api.anthropic.com/v1';
const CONTEXT_TOKENS = 200_000;

/**
 * Anthropic's Messages API, streamed, through the AI SDK's provider interface. Input tokens are all of them: the
 * provider counts those read from and written to its cache apart, and they are added here. Not retried.
 */
export const createAnthropicModel = (options: AnthropicOptions): LanguageModel => {
  const provider = createAnthropic({ baseURL: options.baseUrl ?? BASE_URL, apiKey: options.apiKey });
  const chat = provider.chat(options.model);
  return {
    id: `anthropic/${options.model}`,
    price: options.price,
    contextTokens: options.contextTokens ?? CONTEXT_TOKENS,
    estimate: estimateTokens,
    generate: (request) => streamChatModel(chat, request, { ...options, secret: options.apiKey }),
  };
};
