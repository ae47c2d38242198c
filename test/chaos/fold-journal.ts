/** What counts in a journal: a fold of the run's own, so that a worker or a gateway that folds wrongly is found. Pure. */
import { advanceOrder, type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import { entriesOf, groupedBy, type HistoryEntry, type JournaledEvent } from './history.ts';

/** By task, in order. */
export type Journals = ReadonlyMap<string, readonly JournaledEvent[]>;

export const journalsOf = (history: readonly HistoryEntry[]): Journals =>
  groupedBy(
    entriesOf(history, 'journal').map(({ event }) => event),
    ({ taskId }) => taskId,
  );

/** The events that count, in the order that they are given in; of any number of executions. */
export const countedOf = (events: readonly JournaledEvent[]): readonly JournaledEvent[] => {
  const orders = new Map<string, ExecutionOrder>();
  return events.filter((event) => {
    const next = advanceOrder(orders.get(event.executionId) ?? UNCLAIMED, event);
    if (next) orders.set(event.executionId, next);
    return next !== null;
  });
};

/** Responses that count, claims that held, the highest of these, and how it ended. */
export const foldOf = (events: readonly JournaledEvent[]) => {
  const counted = countedOf(events);
  const claims = counted.filter(({ type }) => type === 'claim');
  const responses = counted.filter(({ type }) => type === 'response');
  return {
    claims: claims.length,
    epoch: claims.at(-1)?.epoch ?? 0,
    responses: responses.length,
    end: responses.at(-1) ?? null,
  };
};
