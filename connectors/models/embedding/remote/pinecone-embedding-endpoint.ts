import { z } from 'zod';
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
      ...{ baseUrl: options.baseUrl, path: '/embed', protocol: 'Pinecone inference', shape: ANSWER },
      headers: { 'api-key': options.apiKey, 'x-pinecone-api-version': API_VERSION },
      body: {
        model: options.model,
        inputs: texts.map((text) => ({ text })),
        parameters: { input_type: purpose === 'query' ? 'query' : 'passage', truncate: 'END' },
      },
      signal,
      secret: options.apiKey,
    });
    return {
      vectors: answer.data.map(({ values }) => values),
      tokens: answer.usage?.total_tokens ?? null,
    };
  },
});
