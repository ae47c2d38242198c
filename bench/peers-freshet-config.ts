import { SAMPLE_AGENTS } from '../agents/sample-agents.ts';
import { type FreshetConfig, mapTable, parseConfig } from '../schemas/config.ts';

type Article = { id: bigint; tenant: string; title: string; body: string };

export const PEERS_TENANT = 'bench';
export const PEERS_SOURCE = 'peers';
/** Tells the role processes, which read the configuration by themselves, where the database is. */
export const PEERS_SOURCE_VARIABLE = 'FRESHET_BENCH_SOURCE';

/** Freshet as the side-by-side benches run it: one table, the instant embedder, all else as it comes. */
export const peersFreshetConfig = (url: string): FreshetConfig =>
  parseConfig({
    sources: {
      [PEERS_SOURCE]: {
        kind: 'postgres',
        url,
        tables: {
          'public.articles': mapTable<Article>({
            title: ({ title }) => title,
            text: ({ body }) => body,
            tenant: ({ tenant }) => tenant,
          }),
        },
      },
    },
    agents: [...SAMPLE_AGENTS],
    embedding: { model: 'feature-hash-384', workers: 1 },
    localTenant: PEERS_TENANT,
  });
