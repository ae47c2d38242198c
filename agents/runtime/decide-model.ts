/** Which model is asked, if any may be: in order of fallback, after failures, within money and tokens. Pure. */
import type { ModelPrompt, TokenBounds } from '../../connectors/models/language/language-model.ts';
import { totalUsd } from '../../schemas/execution-costs.ts';
import { formatUsd, mostPriceOf, parseUsd, priceTableOf } from '../../schemas/money.ts';
import type { Decision } from './decision.ts';
import { type DecisionFacts, deadlineOf, end, MAX_ATTEMPTS, MICROS, retryAt } from './decision-facts.ts';
import type { ExecutionState } from './execution-state.ts';
import type { ModelTerms, RunTerms } from './run-terms.ts';

/** A provider that asks for a longer wait is passed over for the next model, where there is one. */
const MAX_PATIENCE_MS = 2_000;

export const modelDecision = (
  state: ExecutionState,
  terms: RunTerms,
  promptFor: (contextTokens: number) => ModelPrompt,
  facts: DecisionFacts,
  now: number,
): Decision => {
  const deadline = deadlineOf(state, terms);
  let soonest = Number.POSITIVE_INFINITY;
  for (const model of terms.models) {
    const failures = state.failures.filter((each) => each.name === model.id);
    const last = failures.at(-1);
    const until = last ? retryAt(failures) : 0;
    if (last && (!last.retryable || failures.length >= MAX_ATTEMPTS || until > deadline)) continue;
    const prompt = promptFor(model.contextTokens);
    const bounds = facts.estimate(model.id, prompt);
    if (!bounds) continue;
    if (until <= now) return callOrHalt(state, terms, model, prompt, bounds);
    // A short wait for the better model; rather than a long one, the next model.
    soonest = Math.min(soonest, until);
    if (until - now <= MAX_PATIENCE_MS * MICROS) break;
  }
  if (soonest < Number.POSITIVE_INFINITY) return { kind: 'wait', until: soonest };
  const last = state.failures.at(-1);
  return end(state, 'failed', 'model-failed', last?.message ?? 'no language model is configured');
};

const callOrHalt = (
  state: ExecutionState,
  { limits, safety }: RunTerms,
  model: ModelTerms,
  input: ModelPrompt,
  { inputTokens, outputTokens }: TokenBounds,
): Decision => {
  if (state.tokens + inputTokens + outputTokens > safety.maxTokens) {
    const message = `${state.tokens} tokens used, and the next call may take ${inputTokens + outputTokens}: over ${safety.maxTokens}`;
    return { ...end(state, 'halted', 'token-cap', message), bounds: { inputTokens, outputTokens } };
  }
  const reserved = mostPriceOf({ inputTokens, outputTokens }, model.price);
  const spent = totalUsd(state.costs);
  if (spent + reserved > parseUsd(limits.maxUsd)) {
    const message = `${formatUsd(spent)} USD spent, and the next call may cost ${formatUsd(reserved)}: over ${limits.maxUsd}`;
    return { ...end(state, 'halted', 'money-cap', message), bounds: { inputTokens, outputTokens } };
  }
  return {
    kind: 'model',
    step: state.step + 1,
    name: model.id,
    input,
    reservedUsd: formatUsd(reserved),
    priceTable: priceTableOf(model.price),
    bounds: { inputTokens, outputTokens },
  };
};
