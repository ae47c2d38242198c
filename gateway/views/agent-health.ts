/** Whether an agent is well, and why not: of how its last executions ended and what waits for it. Pure. */
import type { AgentMetrics } from '../read-models/agent-metrics.ts';

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
