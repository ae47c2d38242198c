/** The configuration of the data plane's tests: one table, an instant embedder, small chunks. */
import { type FreshetConfig, mapTable, parseConfig } from '../../schemas/config.ts';

type Article = {
  id: bigint;
  tenant: string;
  title: string;
  category: string | null;
  body: string | null;
};

export const ARTICLES = mapTable<Article>({
  title: (row) => row.title,
  text: (row) => row.body ?? '',
  tenant: (row) => row.tenant,
  metadata: (row) => ({ category: row.category }),
});

export const planeConfig = (source: string): FreshetConfig =>
  parseConfig({
    sources: { [source]: { kind: 'postgres', url: 'sample', tables: { 'public.articles': ARTICLES } } },
    agents: [],
    embedding: { model: 'feature-hash-384' },
    chunking: { maxTokens: 40, overlapTokens: 8 },
    gates: { maxTextCharacters: 50_000 },
    // A row that comes each second would make every count a moving target; tests of probes say so.
    freshness: { probes: false },
  });

/** What a role in a process of its own loads. */
export default planeConfig('plane');
