/** Which version of an agent a new task runs under while another is tried. Pure. */
import { createHash } from 'node:crypto';
import type { Rollout } from '../../schemas/rollout.ts';

export interface RoutedTask {
  readonly taskId: string;
  readonly tenant: string | null;
  readonly sessionId: string | null;
}

const PLACES = 2 ** 48;

/**
 * Where a task, or all tasks of a session, stand between 0 and 1 in a rollout: the same in every worker, and other ones in the next rollout.
 * The candidate gets those below its share, so a larger share takes more of them to it and none back.
 */
export const placeOf = (began: number, { taskId, tenant, sessionId }: RoutedTask): number => {
  const named = sessionId === null ? ['task', taskId] : ['session', tenant, sessionId];
  const hash = createHash('sha256')
    .update(JSON.stringify([began, ...named]))
    .digest();
  return hash.readUIntBE(0, 6) / PLACES;
};

/** The configuration runs what the rollout tries to replace: it has not moved on. */
export const holdsFor = (rollout: Rollout | undefined, running: string): rollout is Rollout =>
  rollout?.stable === running;

/** `running`: what the configuration runs. */
export const versionFor = (rollout: Rollout | undefined, running: string, task: RoutedTask): string =>
  holdsFor(rollout, running) && placeOf(rollout.began, task) < rollout.share ? rollout.candidate : running;
