/** Events of an execution with what the journal holds of them by reference: read before they are folded, so that whoever folds them comes to the same state. */
import type { PayloadReader } from '../../connectors/payloads/payload-reader.ts';
import { FreshetError } from '../../schemas/errors.ts';
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
  let lost: WholeEvents['lost'] = null;
  const whole = await Promise.all(
    events.map(async (event) => {
      try {
        return await payloads.whole(event);
      } catch (thrown) {
        if (!(thrown instanceof FreshetError && thrown.code === 'payload-lost')) throw thrown;
        lost = { code: 'payload-lost', message: thrown.message };
        return event;
      }
    }),
  );
  return { whole, lost };
};
