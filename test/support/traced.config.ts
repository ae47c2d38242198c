/** A configuration for roles that are looked at from outside: no source, and one agent that answers from whatever is in the index. */
import { defineAgent } from '../../schemas/agent-definition.ts';
import { parseConfig } from '../../schemas/config.ts';

export const TRACED = 'traced-by-roles';

export default parseConfig({
  sources: {},
  agents: [
    defineAgent({
      ...{ name: TRACED, version: '1', instructions: 'Say what is known of it.', retrieve: { topK: 2 } },
      limits: { maxMs: 600_000 },
    }),
  ],
  embedding: { model: 'feature-hash-384' },
});
