/** What an execution runs under, journaled as its `request`: limits in force and models with their prices. Pure. */
import type { ModelPrice } from '../../connectors/models/language/language-model.ts';
import { type AgentDefinition, type AgentLimits, DEFAULT_LIMITS } from '../../schemas/agent-definition.ts';
import { formatUsd, parseUsd } from '../../schemas/money.ts';
import type { Budget } from '../../schemas/records.ts';
import { type SafetyPolicy, safetyPolicyOf } from '../../schemas/safety-policy.ts';

export interface ModelTerms {
  readonly id: string;
  readonly price: ModelPrice;
  /** Prompt and answer together. */
  readonly contextTokens: number;
}

/**
 * What state and decisions go by where that has changed, so that journals of before, which name none, replay as they were decided (I10,
 * decision 30). 1: what a tool found is taken as passages within bounds, and told up to a length; a lost call is made again only within the
 * cap; an effect of which nobody knows is told before every other reason to end; a model whose window does not take the latest message is
 * passed over. 2: an approval is asked for before a task is handed over, too; why an execution ended holds no half of a character.
 * 3: an effect that failed and that a fork took over keeps its key.
 */
export const RULES = 3;

export interface RunTerms {
  readonly limits: AgentLimits;
  readonly safety: SafetyPolicy;
  /** What whoever sent the task may have tools do. */
  readonly capabilities: readonly string[];
  /** In order of fallback. */
  readonly models: readonly ModelTerms[];
  /** `RULES` of the worker that claimed it; left out in journals of before. */
  readonly rules?: number;
}

/** Whether a rule of `RULES` is in force. */
export const goesBy = (terms: Pick<RunTerms, 'rules'> | null, rule: number): boolean =>
  (terms?.rules ?? 0) >= rule;

const lowest = (own: string, asked: string | null): string => {
  if (asked === null) return own;
  return parseUsd(asked) < parseUsd(own) ? formatUsd(parseUsd(asked)) : own;
};

/** The agent's safety policy with its defaults; one that is none is refused at start (check-agents.ts). */
export const safetyOf = (agent: AgentDefinition): SafetyPolicy => safetyPolicyOf(agent.safety);

/** The agent's limits, clamped by the task's budget. Throws RangeError on a budget that is no decimal. */
export const limitsOf = (agent: AgentDefinition, budget: Budget | null): AgentLimits => {
  const own = { ...DEFAULT_LIMITS, ...agent.limits };
  return {
    ...own,
    maxUsd: lowest(own.maxUsd, budget?.maxUsd ?? null),
    maxSteps: Math.max(0, Math.min(own.maxSteps, budget?.maxSteps ?? own.maxSteps)),
  };
};

/** Null where the text is none of ours. */
export const parseRunTerms = (text: string | null): RunTerms | null => {
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Partial<RunTerms> | null;
    return value?.limits && Array.isArray(value.models) ? (value as RunTerms) : null;
  } catch {
    return null;
  }
};
