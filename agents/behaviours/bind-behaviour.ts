/** The definition that a worker runs a task with: what its execution was begun under, else what the rollout of its agent says. */
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import type { Rollout } from '../../schemas/rollout.ts';
import { type RoutedTask, versionFor } from './route-task.ts';

export interface BehavioursSettings {
  /** What the configuration runs, by name, */
  readonly agents: ReadonlyMap<string, AgentDefinition>;
  /** and what else it holds. */
  readonly behaviours: readonly AgentDefinition[];
  readonly rolloutOf: (agent: string) => Rollout | undefined;
  /** A rollout names a version that is not held here: told once of each. */
  readonly onMissing: (rollout: Rollout, running: string) => void;
}

/** `begunUnder`: the version of its claim; null: nobody has begun it. Null for an agent that is not configured. */
export type BindBehaviour = (
  task: RoutedTask & { readonly agent: string },
  begunUnder: string | null,
) => AgentDefinition | null;

export const bindBehaviours = ({
  agents,
  behaviours,
  rolloutOf,
  onMissing,
}: BehavioursSettings): BindBehaviour => {
  const held = new Map<string, AgentDefinition>();
  for (const each of [...behaviours, ...agents.values()]) held.set(`${each.name}@${each.version}`, each);
  const told = new Set<string>();

  return (task, begunUnder) => {
    const running = agents.get(task.agent);
    if (!running) return null;
    if (begunUnder !== null) return held.get(`${task.agent}@${begunUnder}`) ?? running;
    const rollout = rolloutOf(task.agent);
    const version = versionFor(rollout, running.version, task);
    const found = held.get(`${task.agent}@${version}`);
    if (!found && rollout && !told.has(`${task.agent}@${version}`)) {
      told.add(`${task.agent}@${version}`);
      onMissing(rollout, running.version);
    }
    return found ?? running;
  };
};
