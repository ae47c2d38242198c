/** Waits for what comes from outside of an execution: a time, a word of somebody, the end of a sub-task. */
import { WAITS } from '../../schemas/execution-snapshot.ts';
import { withSignals } from '../../schemas/linked-signal.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { type ExecutionControl, heed } from './execution-controls.ts';
import type { ExecutionJournal } from './execution-journal.ts';
import type { ExecutionToRun, RunServices } from './execution-run.ts';
import { nextHeard } from './subtasks.ts';

const MICROS = 1_000;
/** After a moment it looks as seldom as it has waited for long: thousands wait beside each other. */
const LOOK_MS = 50;
const LONGEST_LOOK_MS = 1_000;
const LOOK_PART = 0.05;

type WaitingRun = Pick<ExecutionToRun, 'identity' | 'signal' | 'waits'>;
type WaitingServices = Pick<RunServices, 'clock' | 'journal'>;
type WaitingJournal = Pick<ExecutionJournal, 'state' | 'write' | 'writeBehind'>;

/**
 * Resolves at `until`, microseconds since the Unix epoch, sooner when something was said of it, or when the run is to end. A wait that is
 * long is journaled whole meanwhile. Errors: of ExecutionJournal.write.
 */
export const waitOutside = (
  run: WaitingRun,
  services: WaitingServices,
  journal: WaitingJournal,
  control: ExecutionControl,
  until: number,
): Promise<void> => {
  const { claims, step } = journal.state();
  // Said once under each claim: a worker that dies while it only waits has not died of it, however many do.
  if (!claims.accounted) journal.writeBehind({ type: 'checkpoint', name: WAITS, step });
  return run.waits.during(
    (draft) => journal.write(draft),
    (failed) =>
      withSignals([run.signal, failed], (signal) =>
        untilSomething(run, services, journal, control, until, signal),
      ),
  );
};

const untilSomething = async (
  run: WaitingRun,
  services: WaitingServices,
  journal: WaitingJournal,
  control: ExecutionControl,
  until: number,
  signal: AbortSignal,
): Promise<void> => {
  const left = (): number => Math.max(1, (until - services.clock()) / MICROS);
  if (journal.state().subtasks.length === 0) {
    // What is said to others wakes everybody, and is nothing to wait anew for.
    while (!signal.aborted && services.clock() < until && !heed(journal.state(), control))
      await control.changed(left(), signal);
    return;
  }
  // What others write is followed meanwhile.
  const unwatch = services.journal.watch();
  const since = performance.now();
  try {
    while (!signal.aborted && services.clock() < until) {
      if (heed(journal.state(), control) || nextHeard(journal.state(), eventsOf(run, services))) return;
      const look = Math.max(LOOK_MS, LOOK_PART * (performance.now() - since));
      await control.changed(Math.min(look, LONGEST_LOOK_MS, left()), signal);
    }
  } finally {
    unwatch();
  }
};

/** All that stands in the journal under this execution since it was last journaled whole, what others say of it included. */
export const eventsOf = (
  { identity }: Pick<ExecutionToRun, 'identity'>,
  { journal }: Pick<RunServices, 'journal'>,
): readonly AgentEvent[] => journal.fold.execution(identity.executionId)?.events ?? [];
