import { z } from 'zod';
import type { EmbeddingEndpoint } from './embedding-endpoint.ts';
import { postJson, unreadable } from './post-json.ts';

export type OpenAiEmbeddingOptions = {
  /** Up to and without `/embeddings`. */
  readonly baseUrl: string;
  readonly model: string;
  /** Sent as a bearer token; empty for a local server without one. */
  readonly apiKey: string;
  /** Asked of the model where it can shorten its vectors; undefined sends no such field. */
  readonly askDimensions?: number;
};

const PROTOCOL = 'OpenAI embeddings';
const ANSWER = z.object({
  data: z.array(z.object({ embedding: z.array(z.number()), index: z.number().nullish() })),
  usage: z.object({ prompt_tokens: z.number() }).nullish(),
});

/** POST {baseUrl}/embeddings {model, input, encoding_format, dimensions?} → {data: [{embedding, index}], usage: {prompt_tokens}}. */
export const createOpenAiEmbeddingEndpoint = (options: OpenAiEmbeddingOptions): EmbeddingEndpoint => ({
  id: `openai-compatible/${options.model}`,
  call: async (texts, _, signal) => {
    const answer = await postJson({
      ...{ baseUrl: options.baseUrl, path: '/embeddings', protocol: PROTOCOL, shape: ANSWER },
      headers: options.apiKey === '' ? {} : { authorization: `Bearer ${options.apiKey}` },
      body: {
        model: options.model,
        input: texts,
        encoding_format: 'float',
        ...(options.askDimensions === undefined ? {} : { dimensions: options.askDimensions }),
      },
      signal,
      secret: options.apiKey,
    });
    // A server that works on several texts at once may answer in another order. Some leave an index out: then the place says it.
    const placed = answer.data
      .map(({ embedding, index }, at) => ({ embedding, place: index ?? at }))
      .toSorted((one, other) => one.place - other.place);
    if (placed.some(({ place }, at) => place !== at)) throw unreadable(PROTOCOL);
    return {
      vectors: placed.map(({ embedding }) => embedding),
      tokens: answer.usage?.prompt_tokens ?? null,
    };
  },
});
