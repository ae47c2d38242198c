import { createAnthropic } from '@ai-sdk/anthropic';
import type { AnthropicThinking } from '../../../schemas/config.ts';
import type { ProviderOptions } from './chat-stream.ts';
import { estimateTokens } from './estimate-tokens.ts';
import type { LanguageModel, ModelPrice, ModelPrompt, TokenBounds } from './language-model.ts';
import type { CallLimits } from './model-call.ts';
import { withPlainCallIds } from './plain-call-ids.ts';
import { streamChatModel } from './stream-chat-model.ts';
import { goesOnWithoutThinking } from './thinking-blocks.ts';

export type AnthropicOptions = CallLimits & {
  /** Up to and without `/messages`. Default `https://api.anthropic.com/v1`. */
  readonly baseUrl?: string | undefined;
  readonly model: string;
  /** Sent as `x-api-key`. */
  readonly apiKey: string;
  readonly price: ModelPrice;
  /** Default 200,000. A budget for thinking is taken off it. */
  readonly contextTokens?: number | undefined;
  readonly thinking?: AnthropicThinking | undefined;
  /**
   * Tools and system text are marked, so that the provider keeps what every call of an agent begins with in its cache for five
   * minutes after each use. Writes cost more than the full price. Default false.
   */
  readonly promptCache?: boolean | undefined;
};

const BASE_URL = 'https://api.anthropic.com/v1';
const CONTEXT_TOKENS = 200_000;
/** A prompt is cached up to a mark, in the order tools, system text, messages. */
const CACHED: ProviderOptions = { anthropic: { cacheControl: { type: 'ephemeral' } } };

/**
 * Anthropic's Messages API, streamed, through the AI SDK's provider interface. Input tokens are all of them: the
 * provider counts those read from and written to its cache apart, and they are added here. Thinking goes back with the results
 * of the tools that were called after it. Not retried.
 */
export const createAnthropicModel = (options: AnthropicOptions): LanguageModel => {
  const { model, thinking, promptCache = false } = options;
  const budget = typeof thinking === 'object' ? thinking.budgetTokens : 0;
  const provider = createAnthropic({ baseURL: options.baseUrl ?? BASE_URL, apiKey: options.apiKey });
  const chat = provider.chat(model);
  // The library asks for the budget beside the answer's own tokens, and both are paid as output.
  const estimate = (prompt: ModelPrompt): TokenBounds => {
    const { inputTokens, outputTokens } = estimateTokens(prompt);
    return { inputTokens, outputTokens: outputTokens + budget };
  };
  return {
    id: `anthropic/${model}`,
    provider: 'anthropic',
    price: options.price,
    contextTokens: (options.contextTokens ?? CONTEXT_TOKENS) - budget,
    estimate,
    generate: (request) =>
      streamChatModel(
        chat,
        { ...request, messages: withPlainCallIds(request.messages) },
        {
          ...options,
          ...{ secret: options.apiKey, thinks: true },
          // By the ids that its money was reserved for.
          estimate: () => estimate(request),
          providerOptions: thinkingOptions(request, model, thinking),
          ...(promptCache ? { prefixEnd: CACHED } : {}),
        },
      ),
  };
};

const thinkingOptions = (
  prompt: ModelPrompt,
  model: string,
  thinking: AnthropicThinking | undefined,
): ProviderOptions => {
  if (thinking === undefined) return {};
  if (thinking === 'adaptive') return { anthropic: { thinking: { type: 'adaptive' } } };
  if (goesOnWithoutThinking(prompt, model)) return {};
  return { anthropic: { thinking: { type: 'enabled', budgetTokens: thinking.budgetTokens } } };
};
