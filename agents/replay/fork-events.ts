/**
 * A new execution that begins where a recorded one stood: what it had finished up to a step is copied under the new
 * one's name, and it goes on live from there. Pure: the worker that claims the new execution journals what this returns
 * behind its own claim and terms, in one append.
 *
 * Copied are the finished steps alone: a call whose outcome was lost with its worker is made again, claims and terms are
 * the new execution's own, and so are the end, a cancellation and the costs: that money was spent by the origin, and
 * counts there (I3). Times, inputs, outputs and hashes of decisions stay as they were, so a replay of the new execution
 * comes to the copied decisions too.
 */
import { FreshetError } from '../../schemas/errors.ts';
import { advanceOrder, type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import { parseUserInput, type UserInput } from '../../schemas/execution-payloads.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import type { EventDraft } from '../runtime/execution-journal.ts';

export interface Fork {
  /** `executionId:step` of what it begins from. */
  readonly origin: string;
  readonly agent: string;
  readonly tenant: string | null;
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
 * `events`: all of the origin, in log order from its first. Step 0 begins anew with the same input. Errors:
 * `request-invalid` (no such step, or the origin has no input).
 */
export const forkedEvents = (events: readonly AgentEvent[], step: number): Fork => {
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
    (event) => event.step <= step && event.step > 0 && COPIED.has(event.type) && !isCancelling(event),
  );
  const finished = new Set(copied.filter((event) => event.type !== 'intent').map(({ step: at }) => at));
  const drafts = copied.filter((event) => event.type !== 'intent' || finished.has(event.step)).map(draftOf);
  return {
    origin: `${asked.executionId}:${step}`,
    agent: asked.agent,
    tenant: asked.tenant,
    input,
    step: drafts.at(-1)?.step ?? 0,
    drafts,
  };
};

const isCancelling = ({ type, name }: AgentEvent): boolean =>
  type === 'checkpoint' && (name === 'cancel' || name === 'kill');

const draftOf = (event: AgentEvent): EventDraft => {
  const { type, step, at, name, input, output, inputHash, error, idempotencyKey, durationMicros } = event;
  return { type, step, at, name, input, output, inputHash, error, idempotencyKey, durationMicros };
};
