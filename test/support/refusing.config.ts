/** The data plane's one table under stricter gates, for tests and for commands that load a configuration. */
import { type FreshetConfig, parseConfig } from '../../schemas/config.ts';
import type { GateOverrides } from '../../schemas/gate-settings.ts';
import { ARTICLES } from './plane.config.ts';

export const SOURCE = 'refusing';

export const configOf = (gates: GateOverrides): FreshetConfig =>
  parseConfig({
    sources: {
      [SOURCE]: { kind: 'postgres', url: 'sample', tables: { 'public.articles': { ...ARTICLES, gates } } },
    },
    agents: [],
    embedding: { model: 'feature-hash-384' },
    chunking: { maxTokens: 40, overlapTokens: 8 },
  });

export default configOf({
  instructions: 'quarantine',
  volume: { atLeast: 20, share: 0.3, windowMs: 3_600_000 },
});
