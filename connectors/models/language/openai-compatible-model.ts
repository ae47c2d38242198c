import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { estimateTokens } from './estimate-tokens.ts';
import type { LanguageModel, ModelPrice } from './language-model.ts';
import type { CallLimits } from './model-call.ts';
import { streamChatModel } from './stream-chat-model.ts';

export type OpenAiCompatibleOptions = CallLimits & {
  /** Up to and without `/chat/completions`. */
  readonly baseUrl: string;
  readonly model: string;
  /** Sent as a bearer token; empty for a local server without one. */
  readonly apiKey: string;
  readonly price: ModelPrice;
  /** Default 128,000, that of most hosted models. */
  readonly contextTokens?: number | undefined;
  /** The field that limits the answer: newer hosted models refuse `max_tokens`. Default `max_tokens`. */
  readonly outputLimitField?: 'max_tokens' | 'max_completion_tokens' | undefined;
};

const CONTEXT_TOKENS = 128_000;

/**
 * Any endpoint that speaks the chat-completions protocol, streamed, through the AI SDK's provider interface. The
 * provider's own call does not retry; Freshet's runtime does, because each attempt is journaled and paid for.
 */
export const createOpenAiCompatibleModel = (options: OpenAiCompatibleOptions): LanguageModel => {
  const limitField = options.outputLimitField ?? 'max_tokens';
  const provider = createOpenAICompatible({
    name: 'freshet',
    baseURL: options.baseUrl,
    includeUsage: true,
    ...(options.apiKey === '' ? {} : { apiKey: options.apiKey }),
    transformRequestBody: ({ max_tokens, ...body }) => ({ ...body, [limitField]: max_tokens }),
  });
  const chat = provider.chatModel(options.model);
  return {
    id: `openai-compatible/${options.model}`,
    provider: 'openai-compatible',
    price: options.price,
    contextTokens: options.contextTokens ?? CONTEXT_TOKENS,
    estimate: estimateTokens,
    generate: (request) =>
      streamChatModel(chat, request, { ...options, secret: options.apiKey, estimate: estimateTokens }),
  };
};
