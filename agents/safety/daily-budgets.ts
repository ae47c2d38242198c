/**
 * Money of the day, as an execution asks for it: where the counters were lost it waits while they are folded from the
 * journal, and is told so only when that takes too long. To be asked once the intent stands in the journal.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BudgetLedger,
  dayOf,
  type Reservation,
  type ReserveVerdict,
} from '../../schemas/budget-ledger.ts';
import { toError } from '../../schemas/errors.ts';
import { type BudgetRebuilderSettings, createBudgetRebuilder } from './rebuild-budgets.ts';

export interface DailyBudgets {
  /** `budget-unknown` only after the wait, or with the signal. Never throws. */
  reserve(reservation: Reservation, signal: AbortSignal): Promise<ReserveVerdict>;
  /** Of BudgetLedger. */
  settle: BudgetLedger['settle'];
}

export interface DailyBudgetsSettings extends Omit<BudgetRebuilderSettings, 'ledger'> {
  readonly ledger: BudgetLedger;
  /** How long a call waits for the counters. */
  readonly waitMs?: number;
  /** The journal could not be folded; it is tried again. */
  readonly onTrouble: (error: Error) => void;
}

const WAIT_MS = 30_000;
const RETRY_MS = 50;

export const createDailyBudgets = (settings: DailyBudgetsSettings): DailyBudgets => {
  const { ledger, onTrouble, waitMs = WAIT_MS } = settings;
  const rebuilder = createBudgetRebuilder(settings);
  return {
    settle: ledger.settle,
    reserve: async (reservation, signal) => {
      const deadline = performance.now() + waitMs;
      for (;;) {
        const verdict = await ledger.reserve(reservation);
        if (verdict.allowed || verdict.code !== 'budget-unknown') return verdict;
        if (signal.aborted || performance.now() > deadline) return verdict;
        try {
          await rebuilder.ensure(dayOf(reservation.at));
        } catch (error) {
          onTrouble(toError(error));
        }
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  };
};
