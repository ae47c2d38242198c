/**
 * A new execution that begins where a recorded one stood: what it had finished up to a step is copied under the new
 * one's name, and it goes on live from there. Pure: the worker that claims the new execution journals what this returns
 * behind its own claim and terms, in one append.
 *
 * Copied are the finished steps alone: a call whose outcome was lost with its worker is made again, claims and terms are
 * the new execution's own. The end, a stop and the costs stay the origin's: that money was spent there, and counts there (I3). Times, inputs, outputs and hashes of decisions stay as they were, so a replay of the new execution
 * comes to the copied decisions too.
 */
import { APPROVAL_ASKED } from '../../schemas/approval-request.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { DELEGATED } from '../../schemas/execution-costs.ts';
import { advanceOrder, type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import {
  type EffectTried,
  ENDING,
  isCheckpoint,
  isUndone,
  NOT_MADE,
  parseUserInput,
  TRIED,
  UNDO,
  UNDONE,
  type UserInput,
  undoKeyOf,
} from '../../schemas/execution-payloads.ts';
import { SNAPSHOT, WAITS } from '../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import type { EventDraft } from '../runtime/execution-journal.ts';

export interface Fork {
  /** `executionId:step` of what it begins from. */
  readonly origin: string;
  readonly agent: string;
  readonly tenant: string | null;
  readonly sessionId: string | null;
  /** Of the origin: what the new one is asked, unless its task says otherwise. */
  readonly input: UserInput;
  /** The last step that was copied. */
  readonly step: number;
  /** In order, to be journaled after claim and terms. */
  readonly drafts: readonly EventDraft[];
}

const COPIED: ReadonlySet<AgentEvent['type']> = new Set([
  'intent',
  'llm-response',
  'tool-call',
  'memory-update',
  'error',
  'checkpoint',
]);

/** The events that count, in log order. */
export const countingEvents = (events: readonly AgentEvent[]): readonly AgentEvent[] => {
  let order: ExecutionOrder = UNCLAIMED;
  return events.filter((event) => {
    const next = advanceOrder(order, event);
    order = next ?? order;
    return next !== null;
  });
};

/**
 * `events`: all of the origin, in log order from its first; `executionId`: of the new one. Step 0 begins anew with the same
 * input. Errors: `request-invalid` (no such step, or the origin has no input).
 */
export const forkedEvents = (events: readonly AgentEvent[], step: number, executionId: string): Fork => {
  const counting = countingEvents(events);
  const asked = counting.find((event) => event.type === 'user-input');
  const input = parseUserInput(asked?.input ?? null);
  if (!asked || !input)
    throw new FreshetError(
      'request-invalid',
      'the execution has no input in the journal: it cannot be forked',
    );
  const last = counting.reduce(
    (most, event) => (event.type === 'response' ? most : Math.max(most, event.step)),
    0,
  );
  if (!Number.isInteger(step) || step < 0 || step > last)
    throw new FreshetError('request-invalid', `${asked.executionId} has the steps 0 to ${last}, not ${step}`);
  const copied = counting.filter(
    (event) => event.step <= step && event.step > 0 && COPIED.has(event.type) && !isOfTheOrigin(event),
  );
  const finished = new Set(copied.filter(isOutcome).map(({ step: at }) => at));
  const kept = withoutOpenApproval(
    copied.filter((event) => isDelegated(event) || finished.has(event.step)),
    finished,
  );
  const reached = kept.reduce((most, event) => Math.max(most, event.step), 0);
  const drafts = kept.map((event) =>
    isDelegated(event) ? delegatedDraftOf(event, finished.has(event.step), executionId) : draftOf(event),
  );
  return {
    origin: `${asked.executionId}:${step}`,
    agent: asked.agent,
    tenant: asked.tenant,
    sessionId: asked.sessionId,
    input,
    step: reached,
    drafts: [...drafts, ...keyDrafts(counting, kept, step).map((draft) => ({ ...draft, step: reached }))],
  };
};

/** What a person said of the origin, how it was let go of and ended, what it did not come to, what is said of keys (those that matter follow anew), and its state as a whole, say nothing of the new one. */
const OF_THE_ORIGIN: ReadonlySet<string | null> = new Set([
  'stop',
  'released',
  ENDING,
  NOT_MADE,
  TRIED,
  UNDO,
  UNDONE,
  WAITS,
  SNAPSHOT,
]);

const isOfTheOrigin = ({ type, name }: AgentEvent): boolean =>
  type === 'checkpoint' && OF_THE_ORIGIN.has(name);

const isDelegated = ({ priceTable }: AgentEvent): boolean => priceTable === DELEGATED;

/**
 * Which keys the calls of the origin leave to the new one: that of a call which was begun, and not taken over, is the call's when it is asked for
 * again; that of a failed one is not, where its effect was undone since.
 */
const keyDrafts = (
  counting: readonly AgentEvent[],
  kept: readonly AgentEvent[],
  step: number,
): readonly EventDraft[] => {
  const known = new Set(kept.map(({ idempotencyKey }) => idempotencyKey));
  const tried = new Map<string, EventDraft>();
  for (const event of counting) {
    const key = event.idempotencyKey;
    if (key === null || known.has(key) || event.step > step || isDelegated(event)) continue;
    if (event.type === 'intent') tried.set(key, triedDraftOf(event));
    if (isCheckpoint(event, TRIED)) tried.set(key, draftOf(event));
  }
  const undone = new Set([...known, ...tried.keys()].map((key) => key && undoKeyOf(key)));
  return [
    ...tried.values(),
    ...counting.filter((event) => isUndone(event) && undone.has(event.idempotencyKey)).map(draftOf),
  ];
};

const triedDraftOf = ({ at, step, name, input, idempotencyKey }: AgentEvent): EventDraft => {
  const tried: EffectTried = {
    tool: name ?? '',
    argumentsHash: hashOf(JSON.parse(input ?? 'null')),
  };
  return { type: 'checkpoint', name: TRIED, step, at, idempotencyKey, input: JSON.stringify(tried) };
};

/** Nobody knows what came of an effect under way when its execution was stopped, as where its worker died: it is no outcome. */
const isOutcome = ({ type, error }: AgentEvent): boolean =>
  type !== 'intent' && !(type === 'error' && error?.code === 'effect-unknown');

/**
 * An approval is for one call, made once: where the call is not among what is copied, or is a sub-task that had not ended, a person is asked
 * again, be it that nobody had answered, or that somebody had and the call was still to come. Calls of a reply are taken in their order, so none behind it is copied either; what
 * came of sub-tasks before it is.
 */
const withoutOpenApproval = (
  events: readonly AgentEvent[],
  finished: ReadonlySet<number>,
): readonly AgentEvent[] => {
  const handedOver = new Set<string | null>();
  for (const [at, event] of events.entries()) {
    const isOfBefore = (each: AgentEvent): boolean =>
      isDelegated(each) && handedOver.has(each.idempotencyKey);
    if (isDelegated(event)) handedOver.add(event.idempotencyKey);
    if (event.type !== 'checkpoint' || event.name !== APPROVAL_ASKED) continue;
    const rest = events.slice(at + 1);
    const call = rest.find((each) => each.type !== 'checkpoint' && !isOfBefore(each));
    if (!call || !finished.has(call.step)) return [...events.slice(0, at), ...rest.filter(isOfBefore)];
  }
  return events;
};

const draftOf = (event: AgentEvent): EventDraft => {
  const { type, step, at, name, input, output, inputHash, error, idempotencyKey, durationMicros } = event;
  const { via, attempts, note, standIns } = event;
  const decided = { type, step, at, name, input, inputHash, idempotencyKey };
  return { ...decided, output, error, durationMicros, via, attempts, note, standIns };
};

/** A sub-task that had ended is the origin's; one that had not is handed over again, by the new execution and from its money. */
const delegatedDraftOf = (event: AgentEvent, hasEnded: boolean, executionId: string): EventDraft => ({
  ...draftOf(event),
  priceTable: DELEGATED,
  ...(hasEnded ? {} : { idempotencyKey: `${executionId}:${event.step}`, reservedUsd: event.reservedUsd }),
});
