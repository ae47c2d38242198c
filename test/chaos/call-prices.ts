/** What the model of a chaos run charges: the plan, the worker and the outside count by it. */
import { type Picodollars, priceOf } from '../../schemas/money.ts';
import type { Deed } from './chaos-plan.ts';

export const CHAOS_PRICE = { inputPerMillionUsd: '3', outputPerMillionUsd: '15' } as const;

/** Tokens of the call that is made after so many deeds. */
export const usageOfCall = (done: number) => ({ inputTokens: 200 + 40 * done, outputTokens: 20 });

/** Of a task that nothing disturbs: a call for each deed, and one for the answer. */
export const priceOfDeeds = (deeds: readonly Deed[]): Picodollars =>
  [...deeds, 'answer'].reduce((sum, _, done) => sum + priceOf(usageOfCall(done), CHAOS_PRICE), 0n);
