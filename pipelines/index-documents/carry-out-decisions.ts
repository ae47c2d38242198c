/**
 * Decisions of people, carried out in one partition: some at a time, the next once those are done. Whoever decides about many does not
 * wait for their embedding, and what is on its way already is not asked for again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../schemas/errors.ts';
import type { ReleaseDecision } from '../../schemas/release-decision.ts';

export interface CarryOutSettings<Redrive> {
  /** Of the partition, oldest first. */
  readonly decisions: () => Iterable<ReleaseDecision>;
  /** Its document stands as it was decided about. */
  readonly stands: (decision: ReleaseDecision) => boolean;
  /** What they call for: whole records, in memory. Errors: `kafka-unavailable`. */
  readonly redrivesOf: (decisions: readonly ReleaseDecision[]) => Promise<readonly Redrive[]>;
  /** Resolves when they are done; never, where the partition goes to another member. */
  readonly redrive: (redrives: readonly Redrive[]) => Promise<void>;
  readonly isOver: () => boolean;
  readonly onTrouble: (error: Error) => void;
  readonly gatherMs?: number;
}

/** Decisions about many documents come together: one look at the log serves them all. */
const GATHER_MS = 200;
const AT_ONCE = 100;

/** Call it whenever there may be something to carry out. */
export const carryOutDecisions = <Redrive>(settings: CarryOutSettings<Redrive>): (() => void) => {
  const { gatherMs = GATHER_MS } = settings;
  /** One that changes nothing, as of a table that is paused, is not tried again and again. */
  const tried = new WeakSet<ReleaseDecision>();
  let asked = false;
  let running = false;

  const next = (): readonly ReleaseDecision[] => {
    const some: ReleaseDecision[] = [];
    for (const each of settings.decisions()) {
      if (tried.has(each) || !settings.stands(each)) continue;
      some.push(each);
      if (some.length === AT_ONCE) break;
    }
    return some;
  };

  const carryOut = async (): Promise<void> => {
    while (!settings.isOver()) {
      // Asked anew for the next: while those before were embedded, a person may have decided otherwise about it.
      const some = next();
      if (some.length === 0) return;
      await settings.redrive(await settings.redrivesOf(some));
      for (const each of some) tried.add(each);
    }
  };

  const run = async (): Promise<void> => {
    while (asked) {
      await sleep(gatherMs);
      if (settings.isOver()) break;
      asked = false;
      await carryOut().catch((error) => {
        asked = true;
        settings.onTrouble(toError(error));
      });
    }
    running = false;
  };

  return () => {
    asked = true;
    if (running) return;
    running = true;
    void run();
  };
};
