/** When alerts about agents are raised (gateway/agent-alert-conditions.ts, docs/safety.md). */
import { z } from 'zod';

export interface AlertPolicy {
  /** Of an agent's executions that ended, milliseconds. */
  readonly windowMs: number;
  /** Of an agent in that window: of fewer, nothing is said. */
  readonly minExecutions: number;
  /** Share of them that failed or were halted; what persons, tasks or the money of the day ended is left out of them. */
  readonly failureRate: number;
  /** Share of them that were halted for not coming forward. */
  readonly loopRate: number;
  /** Share of a day's money that is spent or reserved. */
  readonly budgetShare: number;
  /** How long a breaker has not been closed, milliseconds. */
  readonly breakerOpenMs: number;
}

export const ALERT_POLICY_SCHEMA = z
  .strictObject({
    windowMs: z.int().min(60_000).max(3_600_000).default(900_000),
    minExecutions: z.int().min(1).max(1_000).default(20),
    failureRate: z.number().min(0.001).max(1).default(0.25),
    loopRate: z.number().min(0.001).max(1).default(0.1),
    budgetShare: z.number().min(0.01).max(1).default(0.8),
    breakerOpenMs: z.int().min(0).max(86_400_000).default(120_000),
  })
  .prefault({});
