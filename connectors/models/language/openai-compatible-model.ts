import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { startCallDeadline } from './call-deadline.ts';
import { type ChatStreamPart, collectReply, toCallOptions } from './chat-stream.ts';
import { classifyModelFailure } from './classify-model-failure.ts';
import { estimateTokens } from './estimate-tokens.ts';
import type { LanguageModel, ModelPrice } from './language-model.ts';

export type OpenAiCompatibleOptions = {
  /** Up to and without `/chat/completions`. */
  readonly baseUrl: string;
  readonly model: string;
  /** Sent as a bearer token; empty for a local server without one. */
  readonly apiKey: string;
  readonly price: ModelPrice;
  /** The field that limits the answer: newer hosted models refuse `max_tokens`. Default `max_tokens`. */
  readonly outputLimitField?: 'max_tokens' | 'max_completion_tokens';
  /** Longest call, in milliseconds. Default 300,000. */
  readonly timeoutMs?: number;
  /** Longest time in which nothing comes, in milliseconds. Default 120,000. */
  readonly silenceTimeoutMs?: number;
};

/**
 * Any endpoint that speaks the chat-completions protocol, streamed, through the AI SDK's provider interface: another
 * provider of that library takes the place of `createOpenAICompatible` and nothing else changes. The provider's own
 * call does not retry; Freshet's runtime does, because each attempt is journaled and paid for.
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
    price: options.price,
    estimate: estimateTokens,
    generate: async (request) => {
      const deadline = startCallDeadline({
        signal: request.signal,
        totalMs: options.timeoutMs ?? 300_000,
        silenceMs: options.silenceTimeoutMs ?? 120_000,
      });
      let stage: 'asking' | 'responded' | 'answering' = 'asking';
      async function* touching(stream: ReadableStream<ChatStreamPart>) {
        for await (const part of stream) {
          if (part.type === 'response-metadata') stage = 'answering';
          deadline.touch();
          yield part;
        }
      }
      try {
        const { stream } = await chat.doStream({ ...toCallOptions(request), abortSignal: deadline.signal });
        stage = 'responded';
        deadline.touch();
        return await collectReply(touching(stream), request);
      } catch (thrown) {
        throw classifyModelFailure(thrown, {
          ended: deadline.ended(),
          stage,
          nowMs: Date.now(),
          secret: options.apiKey,
        });
      } finally {
        deadline.release();
      }
    },
  };
};
