import type { AgentDefinition } from './agent-definition.ts';
import { FreshetError } from './errors.ts';

type Versioned = Pick<AgentDefinition, 'name' | 'version'>;

/** What ran, what replays and what is deployed is known by name and version alone. Throws `config-invalid`. */
export const checkVersions = (agents: readonly Versioned[]): void => {
  const seen = new Set<string>();
  for (const { name, version } of agents) {
    const named = `version ${version} of ${name}`;
    if (seen.has(named))
      throw new FreshetError(
        'config-invalid',
        `freshet.config.ts: agents, behaviours: ${named} stands there twice; give each its own version`,
      );
    seen.add(named);
  }
};
