/**
 * Who holds an execution, and which of its events count: the fold that the agents' worker, the projection and the
 * replay share (rule J). Pure; in the order of the log, it comes out the same for every reader, so that a worker
 * that was believed dead can append what it likes and changes nothing but the costs.
 */
import type { AgentEvent } from './records.ts';

export interface ExecutionOrder {
  /** The highest claim; 0 before the first. */
  readonly epoch: number;
  /** Whose claim it is; of two claims of one epoch the first in the log. */
  readonly worker: string | null;
  /** Of the last event that counted under this claim. */
  readonly sequence: number;
  readonly hasInput: boolean;
  readonly ended: boolean;
}

export const UNCLAIMED: ExecutionOrder = {
  epoch: 0,
  worker: null,
  sequence: -1,
  hasInput: false,
  ended: false,
};

/** What identifies a claim. A worker's name is unique to its process. */
export type EventPlace = Pick<AgentEvent, 'type' | 'epoch' | 'worker' | 'sequence'>;

/**
 * The order after an event, or null where the event does not count: after the end, of a stale or losing claim,
 * repeated, or after one that was lost on its way to the log (a gap in the sequence).
 */
export const advanceOrder = (order: ExecutionOrder, event: EventPlace): ExecutionOrder | null => {
  if (order.ended) return null;
  switch (event.type) {
    case 'user-input':
      return order.hasInput ? null : { ...order, hasInput: true };
    case 'claim':
      return event.epoch > order.epoch
        ? { ...order, epoch: event.epoch, worker: event.worker, sequence: event.sequence }
        : null;
    case 'request':
    case 'intent':
    case 'llm-response':
    case 'tool-call':
    case 'memory-update':
    case 'error':
    case 'checkpoint':
    case 'response': {
      const counts =
        event.epoch === order.epoch && event.worker === order.worker && event.sequence === order.sequence + 1;
      return counts ? { ...order, sequence: event.sequence, ended: event.type === 'response' } : null;
    }
    default:
      return event.type satisfies never;
  }
};
