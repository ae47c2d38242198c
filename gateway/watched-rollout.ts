/** How a canary stands, as the gateway watches it. */
import type { CanaryVerdict } from '../agents/behaviours/canary-verdict.ts';
import type { RolloutOutcomes } from '../agents/behaviours/outcomes.ts';
import type { Rollout } from '../schemas/rollout.ts';

export interface WatchedRollout {
  readonly outcomes: RolloutOutcomes;
  readonly verdict: CanaryVerdict;
}

export interface RolloutWatch {
  /** Null: it is no canary, or what has ended under it is not read yet. */
  of(rollout: Rollout): WatchedRollout | null;
  close(): Promise<void>;
}
