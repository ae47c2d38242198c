/** The state of an execution as it stands in the journal: the fold of its events, or of its last snapshot and what came after that. */
import type { PayloadReader } from '../../connectors/payloads/payload-reader.ts';
import { isSnapshot, withoutState } from '../../schemas/execution-snapshot.ts';
import { type ExecutionState, INITIAL_STATE } from './execution-state.ts';
import { foldEvents } from './fold-events.ts';
import type { JournaledExecution } from './journal-fold.ts';
import { lostStateOf, snapshotStateOf } from './snapshot.ts';
import { type WholeEvents, wholeEvents } from './whole-events.ts';

/** What stands in the log at the moment of the call. Errors: `kafka-unavailable`, `registry-unavailable`. */
export const journaledState = async (
  execution: Pick<JournaledExecution, 'snapshot' | 'events'> | undefined,
  services: { readonly payloads: Pick<PayloadReader, 'whole'> },
): Promise<{ readonly state: ExecutionState; readonly lost: WholeEvents['lost'] }> => {
  const { snapshot, events } = execution ?? { snapshot: null, events: [] };
  const [begun, after] = await Promise.all([
    wholeEvents(snapshot ? [snapshot] : [], services),
    wholeEvents(
      events.map((event) => (isSnapshot(event) ? withoutState(event) : event)),
      services,
    ),
  ]);
  const [whole] = begun.whole;
  const state = (whole ? snapshotStateOf(whole) : null) ?? (snapshot ? lostStateOf(snapshot) : INITIAL_STATE);
  return { state: foldEvents(after.whole, state), lost: begun.lost ?? after.lost };
};
