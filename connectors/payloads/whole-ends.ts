/**
 * The two ends of an execution whole, its task and its answer: what job states, results and lists are made of. All else they leave
 * where it stands.
 */
import type { AgentEvent } from '../../schemas/records.ts';
import { type PayloadReader, wholeOrLost } from './payload-reader.ts';

/** An answer that is gone is a failure that says so, and holds nobody back. Errors: `kafka-unavailable`, `registry-unavailable`. */
export const wholeEnds = async (
  event: AgentEvent,
  payloads: Pick<PayloadReader, 'whole'>,
): Promise<AgentEvent> => {
  if (event.type !== 'user-input' && event.type !== 'response') return event;
  const { event: whole, lost } = await wholeOrLost(payloads, event);
  if (!lost) return whole;
  const { code, message } = lost;
  return { ...event, error: event.error ?? { code, message, retryable: false } };
};
