/** Events of an execution with what the journal holds of them by reference: read before they are folded, so that whoever folds them comes to the same state. */
import { type PayloadReader, wholeOrLost } from '../../connectors/payloads/payload-reader.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import type { DecisionFacts } from './decision-facts.ts';

export interface WholeEvents {
  readonly whole: readonly AgentEvent[];
  /** Something is gone for good: the execution is to end, whatever there is of it. */
  readonly lost: DecisionFacts['refusal'];
}

/** Errors: `kafka-unavailable`, `registry-unavailable`. */
export const wholeEvents = async (
  events: readonly AgentEvent[],
  { payloads }: { readonly payloads: Pick<PayloadReader, 'whole'> },
): Promise<WholeEvents> => {
  const read = await Promise.all(events.map((event) => wholeOrLost(payloads, event)));
  const lost = read.findLast((each) => each.lost !== null)?.lost;
  return {
    whole: read.map(({ event }) => event),
    lost: lost ? { code: 'payload-lost', message: lost.message } : null,
  };
};
