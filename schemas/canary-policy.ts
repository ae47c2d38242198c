/** When a candidate is rolled back, and when it is ready to be promoted (agents/behaviours/canary-verdict.ts, docs/behaviours.md). */
import { z } from 'zod';

export interface CanaryPolicy {
  /** Of the candidate, before there is a verdict. */
  readonly minExecutions: number;
  /** How much more often it may fail, as a share of executions, and still be as good. */
  readonly tolerance: number;
  /** Failing more often than this is worse, whatever the stable version does. */
  readonly maxFailureRate: number;
  /** How many times as much its median execution may cost, */
  readonly costFactor: number;
  /** and how many times as long its slowest twentieth may take. */
  readonly durationFactor: number;
  /** The share of rollouts of a candidate that is no worse that may be rolled back, however often they are looked at. */
  readonly falseAlarms: number;
}

export const CANARY_POLICY_SCHEMA = z
  .strictObject({
    minExecutions: z.int().min(1).max(1_000_000).default(10),
    tolerance: z.number().min(0.001).max(0.5).default(0.05),
    maxFailureRate: z.number().min(0.01).max(0.99).default(0.5),
    costFactor: z.number().min(1).max(1_000).default(2),
    durationFactor: z.number().min(1).max(1_000).default(2),
    falseAlarms: z.number().min(0.000001).max(0.2).default(0.01),
  })
  .prefault({});
