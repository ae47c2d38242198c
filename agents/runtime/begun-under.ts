/** The version of its agent that an execution was claimed under, so that whoever takes it over goes on with that. Pure. */
import { isOfUnbegun } from '../../schemas/execution-snapshot.ts';
import type { JournaledExecution } from './journal-fold.ts';

/** Of the claim that holds: the first in the log of the highest epoch, or the one that its snapshot was written under. Null: none. */
export const begunUnder = (
  execution: Pick<JournaledExecution, 'order' | 'events' | 'snapshot'> | undefined,
): string | null => {
  if (!execution) return null;
  const { order, events, snapshot } = execution;
  const claim = events.find(({ type, epoch }) => type === 'claim' && epoch === order.epoch);
  return (claim ?? (snapshot && !isOfUnbegun(snapshot) ? snapshot : null))?.behaviour ?? null;
};
