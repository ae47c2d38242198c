import type { ConnectorStatus } from './connect-api.ts';

/**
 * How a connector is. `failed` carries the first lines of the task's stack trace; `missing`: Connect doesn't know it;
 * `unreachable`: Connect doesn't answer; `waiting`: tasks not assigned or restarting; `paused`: someone stopped it.
 */
export type ConnectorHealth =
  | { readonly kind: 'running' | 'waiting' | 'paused' | 'missing' | 'unreachable' }
  | { readonly kind: 'failed'; readonly reason: string };

export type ConnectorWatch = {
  readonly health: ConnectorHealth | undefined;
  /** Restarts in a row, since it last ran for STABLE_MS. */
  readonly restarts: number;
  readonly nextRestartAt: number;
  readonly runningSince: number | undefined;
};

export const NEW_WATCH: ConnectorWatch = {
  health: undefined,
  restarts: 0,
  nextRestartAt: 0,
  runningSince: undefined,
};

export const FIRST_BACKOFF_MS = 500;
export const LONGEST_BACKOFF_MS = 60_000;
/** A connector that runs this long after a restart starts over with the shortest backoff. */
export const STABLE_MS = 30_000;

/** What Connect said: a status, that there is none, or nothing at all. */
export type ConnectorObservation = ConnectorStatus | 'missing' | 'unreachable';

export const healthOf = (observed: ConnectorObservation): ConnectorHealth => {
  if (observed === 'missing' || observed === 'unreachable') return { kind: observed };
  const parts = [observed.connector, ...observed.tasks];
  const failed = parts.find((part) => part.state === 'FAILED');
  if (failed !== undefined) return { kind: 'failed', reason: reasonOf(failed.trace) };
  if (parts.some((part) => part.state === 'PAUSED' || part.state === 'STOPPED')) return { kind: 'paused' };
  // A connector without tasks has only just been made.
  const runs = observed.tasks.length > 0 && parts.every((part) => part.state === 'RUNNING');
  return { kind: runs ? 'running' : 'waiting' };
};

/** The exception and its causes, without the frames. */
const reasonOf = (trace: string | undefined): string =>
  (trace ?? 'no reason given')
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at |^\s*\.\.\. \d+ more/.test(line))
    .slice(0, 4)
    .join('\n');

/**
 * Decides, from what was seen at `nowMs` (any monotonous clock), whether to restart what failed, and whether the health is
 * news. Failures that come again are restarted after 0, 0.5, 1, 2 … 60 seconds. Pure.
 */
export const decideConnector = (
  watch: ConnectorWatch,
  observed: ConnectorObservation,
  nowMs: number,
): { readonly watch: ConnectorWatch; readonly restart: boolean; readonly changed: boolean } => {
  const health = healthOf(observed);
  const changed = JSON.stringify(health) !== JSON.stringify(watch.health);
  if (health.kind === 'running') {
    const runningSince = watch.runningSince ?? nowMs;
    const stable = nowMs - runningSince >= STABLE_MS;
    const restarts = stable ? 0 : watch.restarts;
    return {
      watch: { health, restarts, nextRestartAt: stable ? 0 : watch.nextRestartAt, runningSince },
      restart: false,
      changed,
    };
  }
  const restart = health.kind === 'failed' && nowMs >= watch.nextRestartAt;
  const backoff = Math.min(FIRST_BACKOFF_MS * 2 ** watch.restarts, LONGEST_BACKOFF_MS);
  return {
    watch: {
      health,
      restarts: restart ? watch.restarts + 1 : watch.restarts,
      nextRestartAt: restart ? nowMs + backoff : watch.nextRestartAt,
      runningSince: undefined,
    },
    restart,
    changed,
  };
};
