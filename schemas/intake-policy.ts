/** How many tasks a gateway takes on (gateway/admit-task.ts, docs/safety.md). */
import { z } from 'zod';

export interface IntakePolicy {
  /** Of one agent and tenant. */
  readonly tasksPerSecond: number;
  /** At once, after a rest. */
  readonly burst: number;
  /** Tasks of one partition that no worker has finished; shared fairly by tenants. */
  readonly maxWaiting: number;
}

export const INTAKE_POLICY_SCHEMA = z
  .strictObject({
    tasksPerSecond: z.number().min(0.01).max(1_000_000).default(200),
    burst: z.int().min(1).max(1_000_000).default(1_000),
    maxWaiting: z.int().min(1).max(10_000_000).default(5_000),
  })
  .prefault({});
