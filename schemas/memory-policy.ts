/** How much an agent remembers, and for how long: data of its definition. Every number has a default and a bound. */
import { z } from 'zod';

export interface SessionPolicy {
  /** A session that was quiet for this long has ended: it is summarised and goes. */
  readonly ttlMs: number;
  readonly maxTurns: number;
  /** Of questions and answers together, in UTF-16 code units. */
  readonly maxCharacters: number;
}

export interface LongTermPolicy {
  /** Memories that an execution is given. */
  readonly topK: number;
  readonly ttlMs: number;
  /** Memories of one agent and tenant. */
  readonly maxPerTenant: number;
  /** A memory that nothing uses counts half after this long. */
  readonly halfLifeMs: number;
  /** Cosine from which two memories are one. */
  readonly mergeAbove: number;
}

export interface MemoryPolicy {
  readonly session?: SessionPolicy;
  readonly longTerm?: LongTermPolicy;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const MAX_SESSION_TTL_MS = 7 * DAY_MS;

const SESSION = z.strictObject({
  ttlMs: z
    .int()
    .min(1_000)
    .max(MAX_SESSION_TTL_MS)
    .default(2 * HOUR_MS),
  maxTurns: z.int().min(2).max(200).default(20),
  maxCharacters: z.int().min(1_000).max(500_000).default(40_000),
});

const LONG_TERM = z.strictObject({
  topK: z.int().min(1).max(50).default(4),
  ttlMs: z
    .int()
    .min(60_000)
    .max(3_650 * DAY_MS)
    .default(90 * DAY_MS),
  maxPerTenant: z.int().min(1).max(100_000).default(2_000),
  halfLifeMs: z
    .int()
    .min(60_000)
    .max(3_650 * DAY_MS)
    .default(14 * DAY_MS),
  mergeAbove: z.number().min(0.5).max(1).default(0.95),
});

/** A tier that is left out is not kept; `{}` keeps it by its defaults. */
export const MEMORY_POLICY_SCHEMA = z.strictObject({
  session: SESSION.optional(),
  longTerm: LONG_TERM.optional(),
});

/** As it is written in a definition: numbers left out are their defaults. */
export type MemoryPolicyInput = z.input<typeof MEMORY_POLICY_SCHEMA>;

/** Throws ZodError where a number is out of its bounds. */
export const memoryPolicyOf = (policy: MemoryPolicyInput): MemoryPolicy =>
  MEMORY_POLICY_SCHEMA.parse(policy) as MemoryPolicy;
