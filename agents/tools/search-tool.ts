/** Lets a model look further than what was retrieved for it. Its hits become passages that an answer can cite. */
import { z } from 'zod';
import { defineTool, type ToolDefinition } from '../../schemas/agent-definition.ts';
import type { SearchRequest } from '../../schemas/search.ts';

/**
 * A read tool `search`, within caps that its model cannot change. Returns a SearchResponse: the runtime numbers its hits and adds its
 * receipt to the answer's.
 */
export const searchWithin = (caps: Pick<SearchRequest, 'maxPerDocument' | 'maxPerSource'>): ToolDefinition =>
  defineTool({
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
      retriever.search({ query, topK, tenant, ...caps }, signal),
  });

/** The same without caps of its own: those that every search has. */
export const searchTool = searchWithin({});
