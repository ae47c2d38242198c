import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { classifyModelFailure } from '../../language/classify-model-failure.ts';
import type { EmbeddingEndpoint } from './embedding-endpoint.ts';
import { endedBy } from './post-json.ts';

export type OpenAiEmbeddingOptions = {
  /** Up to and without `/embeddings`. */
  readonly baseUrl: string;
  readonly model: string;
  /** Sent as a bearer token; empty for a local server without one. */
  readonly apiKey: string;
  /** Asked of the model where it can shorten its vectors; undefined sends no such field. */
  readonly askDimensions?: number;
};

/** POST {baseUrl}/embeddings {model, input, encoding_format, dimensions?} → {data: [{embedding, index}], usage: {prompt_tokens}}. */
export const createOpenAiEmbeddingEndpoint = (options: OpenAiEmbeddingOptions): EmbeddingEndpoint => {
  const provider = createOpenAICompatible({
    name: 'freshet',
    baseURL: options.baseUrl,
    ...(options.apiKey === '' ? {} : { apiKey: options.apiKey }),
  });
  // Batches are cut to the configured limits before this; the library's own limit is below some providers'.
  const model = provider.embeddingModel(options.model);
  return {
    id: `openai-compatible/${options.model}`,
    call: async (texts, _, signal) => {
      try {
        const { embeddings, usage } = await model.doEmbed({
          values: [...texts],
          abortSignal: signal,
          ...(options.askDimensions === undefined
            ? {}
            : { providerOptions: { openaiCompatible: { dimensions: options.askDimensions } } }),
        });
        return { vectors: embeddings, tokens: usage?.tokens ?? null };
      } catch (thrown) {
        throw classifyModelFailure(thrown, {
          ended: endedBy(signal),
          stage: 'asking',
          nowMs: Date.now(),
          secret: options.apiKey,
        });
      }
    },
  };
};
