/**
 * Whether a task kills its workers: a fold of the claims of its execution. A claim that ends in the claim of another
 * worker, with nothing journaled under it, may be a worker that died of the task; twice in a row is one too many, and the
 * task is quarantined: dead-lettered as `poison`, with a terminal result. A worker that lets go in order journals a
 * checkpoint first, one that begins to wait another, and one that claims again is alive: none of them counts. Pure; part of the execution's folded state.
 *
 * A worker that dies during a model call has journaled the call's intent: that is counted as lost calls, elsewhere.
 */
import { UNDO } from '../../schemas/execution-payloads.ts';
import type { AgentEvent } from '../../schemas/records.ts';

export interface ClaimHistory {
  /** Who holds the execution; null before the first claim. */
  readonly worker: string | null;
  /** Something was journaled under the claim, or it was let go of. */
  readonly accounted: boolean;
  /** Workers in a row that were never heard of again under their claim. */
  readonly deaths: number;
}

export const NO_CLAIMS: ClaimHistory = { worker: null, accounted: true, deaths: 0 };

/** A task that has killed as many is not run again. */
export const DEADLY = 2;

/** The history after an event that counts in the order of claims. */
export const afterClaimEvent = (
  history: ClaimHistory,
  { type, name, worker }: Pick<AgentEvent, 'type' | 'name' | 'worker'>,
): ClaimHistory => {
  switch (type) {
    case 'claim': {
      const died = history.worker !== null && history.worker !== worker && !history.accounted;
      return { worker, accounted: false, deaths: history.deaths + (died ? 1 : 0) };
    }
    // Goes with the claim in one append: nothing was done yet.
    case 'request':
    case 'user-input':
      return history;
    case 'checkpoint':
      // What is undone may kill as well as a step: unlike a step's intent, its own is counted nowhere else.
      if (name === UNDO) return { ...history, accounted: false };
      return accounted(history);
    case 'intent':
    case 'llm-response':
    case 'tool-call':
    case 'memory-update':
    case 'response':
    case 'error':
      return accounted(history);
    default:
      return type satisfies never;
  }
};

const accounted = (history: ClaimHistory): ClaimHistory =>
  history.accounted && history.deaths === 0 ? history : { ...history, accounted: true, deaths: 0 };

export type PoisonVerdict = { readonly kind: 'fine' } | { readonly kind: 'poison'; readonly reason: string };

/** To be asked after the claim, before the first step under it. */
export const poisonVerdict = ({ deaths }: ClaimHistory): PoisonVerdict => {
  if (deaths < DEADLY) return { kind: 'fine' };
  return { kind: 'poison', reason: `${deaths} workers in a row died before its next step` };
};
