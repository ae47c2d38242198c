/**
 * Which definition an execution is held against. A configuration lists the agents that run, and under `behaviours`
 * further versions of them that no worker runs: older ones, so that what ran under them replays as it was, and
 * candidates, for `--behaviour`. Pure.
 */
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { FreshetError } from '../../schemas/errors.ts';

/** The version that was recorded where it is kept, else the one that runs now; null where the name is not known. */
export type FindBehaviour = (name: string, version: string) => AgentDefinition | null;

export const findAmong = (
  agents: readonly AgentDefinition[],
  behaviours: readonly AgentDefinition[] = [],
): FindBehaviour => {
  const exact = new Map<string, AgentDefinition>();
  const running = new Map<string, AgentDefinition>();
  for (const agent of [...agents, ...behaviours]) {
    const key = `${agent.name}@${agent.version}`;
    if (!exact.has(key)) exact.set(key, agent);
  }
  for (const agent of agents) if (!running.has(agent.name)) running.set(agent.name, agent);
  return (name, version) => exact.get(`${name}@${version}`) ?? running.get(name) ?? null;
};

/** The one candidate of a version, for an agent of a name. Throws `not-found` with the versions there are. */
export const candidateOf = (
  agents: readonly AgentDefinition[],
  behaviours: readonly AgentDefinition[],
  name: string,
  version: string,
): AgentDefinition => {
  const known = [...agents, ...behaviours].filter((agent) => agent.name === name);
  const found = known.find((agent) => agent.version === version);
  if (found) return found;
  const versions = known.map((agent) => agent.version).join(', ') || 'none';
  throw new FreshetError(
    'not-found',
    `the configuration has no version ${version} of ${name} (there are: ${versions}); add it under \`behaviours\` in freshet.config.ts`,
  );
};
