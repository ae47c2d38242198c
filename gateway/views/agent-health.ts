/** Whether an agent is well, and why not: of how its last executions ended and what waits for it. Pure. */
import type { AgentMetrics } from '../read-models/agent-metrics.ts';
import type { ExecutionEntry } from '../read-models/execution-entry.ts';

export interface AgentHealth {
  /** unknown: it has not been asked anything that is still kept. */
  readonly state: 'healthy' | 'degraded' | 'failing' | 'unknown';
  readonly reasons: readonly string[];
}

export interface Waiting {
  /** Executions and tasks that have not ended. */
  readonly open: number;
  /** Of the oldest that no worker has begun, milliseconds; null: none waits. */
  readonly oldestMs: number | null;
}

type Task = Pick<ExecutionEntry, 'createdAt' | 'notBefore' | 'sessionId'>;

/** `now`: microseconds since the Unix epoch. What is not to begin yet, or is behind another of its session, waits for no worker; since when, is not known of all. */
export const waitingOf = (pending: readonly Task[], running: readonly Task[], now: number): Waiting => {
  const busy = new Set(running.map(({ sessionId }) => sessionId));
  const since = pending
    .filter(({ sessionId }) => sessionId === null || !busy.has(sessionId))
    .map(({ createdAt, notBefore }) => Math.max(createdAt, notBefore ?? 0))
    .filter((due) => due > 0 && due <= now);
  const oldest = since.reduce((least, due) => Math.min(least, due), now);
  return {
    open: pending.length + running.length,
    oldestMs: since.length === 0 ? null : (now - oldest) / 1_000,
  };
};

const LEAST = 5;
const FAILING_SHARE = 0.5;
const DEGRADED_SHARE = 0.1;
const WAITS_TOO_LONG_MS = 30_000;

export const agentHealthOf = ({ lately }: Pick<AgentMetrics, 'lately'>, waiting: Waiting): AgentHealth => {
  const bad = lately.filter((outcome) => outcome !== 'completed').length;
  const share = lately.length === 0 ? 0 : bad / lately.length;
  const reasons: string[] = [];
  if (share >= DEGRADED_SHARE)
    reasons.push(`${bad} of the last ${lately.length} executions did not complete`);
  const late = waiting.oldestMs !== null && waiting.oldestMs > WAITS_TOO_LONG_MS;
  if (late)
    reasons.push(
      `a task has waited for a worker for ${Math.round((waiting.oldestMs ?? 0) / 1_000)} s: is the agents role running?`,
    );
  if (lately.length >= LEAST && share >= FAILING_SHARE) return { state: 'failing', reasons };
  if (reasons.length > 0) return { state: 'degraded', reasons };
  return { state: lately.length === 0 ? 'unknown' : 'healthy', reasons };
};
