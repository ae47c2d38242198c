/**
 * What holds an agent in hand beside its limits: how often it may repeat itself, what it may use, and its money of a
 * day. Stands in the agent's definition under `safety`; what is left out has the default.
 */
import { z } from 'zod';
import { isUsd } from './money.ts';

/** A cycle or a stall is seen in this many of the last steps. */
export const SEEN_STEPS = 64;
/** Longest cycle of steps that is recognised as one. */
export const LONGEST_CYCLE = 16;

const usd = z.string().refine(isUsd, 'an exact decimal such as "0.50"');

export const SAFETY_POLICY_SCHEMA = z
  .strictObject({
    /** Calls of one tool in one execution; a tool's own `maxCalls` may be lower or higher. */
    maxCallsPerTool: z.int().min(1).max(1_000).default(20),
    /** How often the same call may be made again while nothing new is learned. */
    repeatLimit: z.int().min(1).max(50).default(2),
    /** The same of a call with an effect that succeeded: 0, as a repeated effect is the loop that costs most. */
    effectRepeatLimit: z.int().min(0).max(50).default(0),
    /** Steps in a row that may leave what is known as it is. */
    identicalStates: z
      .int()
      .min(1)
      .max(SEEN_STEPS - 4)
      .default(8),
    /** Of all model calls of one execution, in and out. */
    maxTokens: z.int().min(1).max(1_000_000_000).default(200_000),
    /** Money of a UTC day over all executions; null: without a limit. `freshet budget set` goes before it. */
    usdPerDay: z
      .strictObject({ agent: usd.nullable().default(null), tenant: usd.nullable().default(null) })
      .prefault({}),
  })
  .prefault({});

export type SafetyPolicy = z.output<typeof SAFETY_POLICY_SCHEMA>;

/** As an agent's definition gives it. */
export type SafetySettings = z.input<typeof SAFETY_POLICY_SCHEMA>;

export const DEFAULT_SAFETY: SafetyPolicy = SAFETY_POLICY_SCHEMA.parse({});

/** The policy with its defaults. Throws ZodError on what is none. */
export const safetyPolicyOf = (settings: SafetySettings | undefined): SafetyPolicy =>
  settings === undefined ? DEFAULT_SAFETY : SAFETY_POLICY_SCHEMA.parse(settings);
