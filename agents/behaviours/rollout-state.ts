/** What a person may do with a version of an agent, and the rollout that stands after it. Pure. */
import { FreshetError } from '../../schemas/errors.ts';
import type { Rollout } from '../../schemas/rollout.ts';
import { holdsFor } from './route-task.ts';

const conflict = (message: string): FreshetError => new FreshetError('conflict', message);

export interface Deployment {
  readonly agent: string;
  /** The version that the configuration runs. */
  readonly running: string;
  readonly candidate: string;
  readonly share: number;
  /** Microseconds since the Unix epoch. */
  readonly now: number;
}

/**
 * The same candidate with another share goes on with its rollout; another one begins anew, with outcomes of its own. `last`: the last
 * rollout of the agent. Throws `conflict`.
 */
export const deployed = (
  last: Rollout | undefined,
  { agent, running, candidate, share, now }: Deployment,
): Rollout => {
  if (candidate === running)
    throw conflict(`${running} is the version of ${agent} that runs: deploy another`);
  const standing = holdsFor(last, running) ? last : undefined;
  if (standing?.state === 'promoted')
    throw conflict(
      `${standing.candidate} of ${agent} is promoted: make it the agent's own version in freshet.config.ts, or roll it back, before another is deployed`,
    );
  if (standing?.state === 'canary' && standing.candidate === candidate) return { ...standing, share };
  // Later than any other, by whichever clock that one was begun.
  const began = Math.max(now, (last?.began ?? 0) + 1);
  return { agent, began, stable: running, candidate, share, state: 'canary' };
};

/** All new tasks go to the candidate. Throws `conflict`. */
export const promoted = (last: Rollout | undefined, agent: string, running: string): Rollout => {
  const standing = standingOf(last, agent, running);
  if (standing.state === 'promoted') throw conflict(`${standing.candidate} of ${agent} is promoted already`);
  if (standing.state === 'rolled-back')
    throw conflict(
      `${standing.candidate} of ${agent} was rolled back: deploy it again before it is promoted`,
    );
  return { ...standing, state: 'promoted', share: 1 };
};

/**
 * No new task goes to the candidate, promoted or not. Where the configuration runs the candidate by now it changes nothing there, but
 * a configuration that goes back to the stable version does not find the rollout standing. Throws `conflict`.
 */
export const rolledBack = (last: Rollout | undefined, agent: string, running: string): Rollout => {
  const standing = last?.candidate === running ? last : standingOf(last, agent, running);
  if (standing.state === 'rolled-back')
    throw conflict(`${standing.candidate} of ${agent} was rolled back already`);
  return { ...standing, state: 'rolled-back', share: 0 };
};

/** A configuration that runs another version than the stable one has moved on: what stands would hold again, should it ever go back. */
export const isLeftBehind = (last: Rollout | undefined, running: string): last is Rollout =>
  last !== undefined && last.state !== 'rolled-back' && !holdsFor(last, running);

const standingOf = (last: Rollout | undefined, agent: string, running: string): Rollout => {
  if (last?.candidate === running)
    throw conflict(`the configuration itself runs ${running} of ${agent}: another version is chosen there`);
  if (!holdsFor(last, running)) throw conflict(`no version of ${agent} is deployed beside ${running}`);
  return last;
};
