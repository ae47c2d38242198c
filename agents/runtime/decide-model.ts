/**
 * Which model is asked, if any may be: in order of fallback, after failures, within money and tokens. Where breakers hold back all that
 * could still be asked, it waits until the first of them may be tried, unless that is past the deadline. Pure.
 */
import type { ModelPrompt, TokenBounds } from '../../connectors/models/language/language-model.ts';
import { totalUsd } from '../../schemas/execution-costs.ts';
import { formatUsd, mostPriceOf, parseUsd, priceTableOf } from '../../schemas/money.ts';
import type { Decision } from './decision.ts';
import { type DecisionFacts, deadlineOf, end, MAX_ATTEMPTS, MICROS, retryAt } from './decision-facts.ts';
import { type ExecutionState, isHeldBack, type StepFailure } from './execution-state.ts';
import type { FittedPromptOf } from './prompt.ts';
import { goesBy, type ModelTerms, type RunTerms } from './run-terms.ts';

const TOO_SMALL =
  'the latest message with its tool results does not fit into the window of any model: give the agent one with a larger window, or its tools a smaller answer';

/** A provider that asks for a longer wait is passed over for the next model, where there is one. */
const MAX_PATIENCE_MS = 2_000;

export const modelDecision = (
  state: ExecutionState,
  terms: RunTerms,
  promptFor: (contextTokens: number) => FittedPromptOf,
  facts: DecisionFacts,
  now: number,
): Decision => {
  const deadline = deadlineOf(state, terms);
  let soonest = Number.POSITIVE_INFINITY;
  let isTooSmall = false;
  for (const model of terms.models) {
    const failures = state.failures.filter((each) => each.name === model.id);
    const last = failures.at(-1);
    const until = askedAgainAt(failures);
    if (!mayBeAsked(failures, deadline)) continue;
    const { prompt, latestShown } = promptFor(model.contextTokens);
    if (!latestShown && goesBy(terms, 1)) {
      // It would ask for the same again: what its last call returned is not in it.
      isTooSmall = true;
      continue;
    }
    const bounds = facts.estimate(model.id, prompt);
    if (!bounds) continue;
    if (until <= now) return callOrHalt(state, terms, model, prompt, bounds);
    // A short wait for the better model; rather than a long one, or for one that has failed everybody, the next model.
    soonest = Math.min(soonest, until);
    if (last && !isHeldBack(last) && until - now <= MAX_PATIENCE_MS * MICROS) break;
  }
  if (soonest < Number.POSITIVE_INFINITY) return { kind: 'wait', until: soonest };
  const last = state.failures.at(-1);
  const why = isTooSmall ? TOO_SMALL : 'no language model is configured';
  return end(state, 'failed', 'model-failed', last?.message ?? why);
};

/** Whether one that failed so may be asked at all before the deadline. */
const mayBeAsked = (failures: readonly StepFailure[], deadline: number): boolean => {
  const last = failures.at(-1);
  if (!last) return true;
  const attempts = failures.filter((each) => !isHeldBack(each)).length;
  return last.retryable && attempts < MAX_ATTEMPTS && askedAgainAt(failures) <= deadline;
};

/** When a model may be asked again, by what has failed of it: a call of this execution, or the calls of all. */
const askedAgainAt = (failures: readonly StepFailure[]): number => {
  const last = failures.at(-1);
  if (!last || !isHeldBack(last)) return retryAt(failures.filter((each) => !isHeldBack(each)));
  if (last.retryAfterMs !== null) return retryAt([last]);
  // Another's call is trying it: looked at again and again with a backoff of its own, as that may end at any time.
  const others = failures.findLastIndex((each) => !isHeldBack(each) || each.retryAfterMs !== null);
  return retryAt(failures.slice(others + 1));
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
