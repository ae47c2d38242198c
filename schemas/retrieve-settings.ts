/** What an agent retrieves before its first model step: how many passages, and what one document or one source may hold of them. */
import { z } from 'zod';
import type { SearchRequest } from './search.ts';

export type RetrieveSettings = Pick<SearchRequest, 'topK' | 'filter' | 'maxPerDocument' | 'maxPerSource'>;

const hits = z.int().min(1).max(100);

export const RETRIEVE_SCHEMA = z.strictObject({
  topK: hits,
  filter: z.record(z.string(), z.string()).optional(),
  maxPerDocument: hits.optional(),
  maxPerSource: hits.optional(),
});
