import { z } from 'zod';
import type { EmbeddingEndpoint } from './embedding-endpoint.ts';
import { postJson } from './post-json.ts';

export type OllamaEmbeddingOptions = {
  /** Up to and without `/api/embed`. */
  readonly baseUrl: string;
  readonly model: string;
};

const ANSWER = z.object({
  embeddings: z.array(z.array(z.number())),
  prompt_eval_count: z.number().optional(),
});

/** POST {baseUrl}/api/embed {model, input, truncate} → {embeddings, prompt_eval_count}. */
export const createOllamaEmbeddingEndpoint = (options: OllamaEmbeddingOptions): EmbeddingEndpoint => ({
  id: `ollama/${options.model}`,
  call: async (texts, _, signal) => {
    const answer = await postJson({
      ...{ baseUrl: options.baseUrl, path: '/api/embed', protocol: 'Ollama', shape: ANSWER },
      headers: {},
      body: { model: options.model, input: texts, truncate: true },
      signal,
      secret: '',
    });
    return { vectors: answer.embeddings, tokens: answer.prompt_eval_count ?? null };
  },
});
