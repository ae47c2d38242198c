/** Lets a model look further than what was retrieved for it. Its hits become passages that an answer can cite. */
import { z } from 'zod';
import { defineTool } from '../../schemas/agent-definition.ts';

/** A read tool `search`. Returns a SearchResponse: the runtime numbers its hits and adds its receipt to the answer's. */
export const searchTool = defineTool({
  name: 'search',
  description:
    'Searches the help centre for passages about a question. Ask in plain words, one topic at a time. Returns numbered passages to cite.',
  effect: 'read',
  timeoutMs: 10_000,
  arguments: z.object({
    query: z.string().min(1).max(500).describe('what to look for, in plain words'),
    topK: z.int().min(1).max(20).default(5).describe('how many passages'),
  }),
  execute: ({ query, topK }, { retriever, tenant, signal }) =>
    retriever.search({ query, topK, tenant }, signal),
});
