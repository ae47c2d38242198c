import { z } from 'zod';
import { ModelError } from '../../language/model-error.ts';
import type { EmbeddingEndpoint } from './embedding-endpoint.ts';
import { postJson } from './post-json.ts';

export type PineconeEmbeddingOptions = {
  /** Of the control plane, up to and without `/embed`. */
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey: string;
};

const API_VERSION = '2025-10';
const ANSWER = z.object({
  data: z.array(z.object({ values: z.array(z.number()) })),
  usage: z.object({ total_tokens: z.number() }).optional(),
});

/** POST {baseUrl}/embed {model, inputs: [{text}], parameters: {input_type, truncate}} → {data: [{values}], usage: {total_tokens}}. */
export const createPineconeEmbeddingEndpoint = (options: PineconeEmbeddingOptions): EmbeddingEndpoint => ({
  id: `pinecone/${options.model}`,
  call: async (texts, purpose, signal) => {
    const answer = await postJson({
      url: `${options.baseUrl.replace(/\/+$/, '')}/embed`,
      headers: { 'api-key': options.apiKey, 'x-pinecone-api-version': API_VERSION },
      body: {
        model: options.model,
        inputs: texts.map((text) => ({ text })),
        parameters: { input_type: purpose === 'query' ? 'query' : 'passage', truncate: 'END' },
      },
      signal,
      secret: options.apiKey,
    });
    const parsed = ANSWER.safeParse(answer);
    if (!parsed.success) throw unreadable('Pinecone inference');
    return {
      vectors: parsed.data.data.map(({ values }) => values),
      tokens: parsed.data.usage?.total_tokens ?? null,
    };
  },
});

/** An answer with a success status that is not the protocol's: asking again would not help. */
export const unreadable = (protocol: string): ModelError =>
  new ModelError(`The endpoint does not speak the protocol of ${protocol}.`, {
    reason: 'unreadable',
    retryable: false,
    retryAfterMs: null,
    mayHaveCost: true,
  });
