/** The guards of calls over their servers: breakers that all workers share, and the day's money with its rebuild. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SharedBreakers } from '../../connectors/redis/shared-breaker.ts';
import { type BudgetLedger, dayOf } from '../../schemas/budget-ledger.ts';
import { LONGEST_TIMER_MS } from '../../schemas/clock.ts';
import type { ControlView } from '../../schemas/control-view.ts';
import { toError } from '../../schemas/errors.ts';
import { withSignals } from '../../schemas/linked-signal.ts';
import type { CallGuards } from '../runtime/call-guards.ts';
import type { BudgetRebuilder } from './rebuild-budgets.ts';

const RETRY_MS = 250;

/** Ends with the work, the time or the signal, whichever is first. */
const within = async (
  ms: number,
  signal: AbortSignal,
  work: (over: AbortSignal) => Promise<unknown>,
): Promise<void> => {
  const ended = new AbortController();
  await withSignals([signal, ended.signal], async (over) => {
    const time = sleep(Math.min(ms, LONGEST_TIMER_MS), undefined, { signal: over });
    await Promise.race([time, work(over)]).catch(() => undefined);
    ended.abort();
  });
};

export const openCallGuards = (settings: {
  readonly breakers: SharedBreakers;
  readonly ledger: BudgetLedger;
  readonly rebuilder: BudgetRebuilder;
  readonly view: Pick<ControlView, 'limitsOf'>;
  readonly onTrouble: (error: Error) => void;
}): CallGuards => {
  const { breakers, ledger, rebuilder, view, onTrouble } = settings;
  return {
    mayCall: async (name) => {
      const verdict = await breakers.before(name);
      if (verdict.allowed) return null;
      const { until, waitMs } = verdict;
      const when =
        waitMs === null ? 'a call is trying it now' : `it is tried again at ${new Date(until).toISOString()}`;
      const message = `${name.slice(name.indexOf(':') + 1)} has failed again and again; ${when}`;
      return { message, retryAfterMs: waitMs };
    },
    peek: breakers.peek,
    called: (name, worked, sinceMs) => void breakers.after(name, worked, sinceMs),
    notMade: (name, sinceMs) => void breakers.without(name, sinceMs),
    reserve: async (money, signal) => {
      const { costId, agent, tenant, usd, at, usdPerDay, time } = money;
      const began = performance.now();
      for (;;) {
        // Counted without a limit too: one that is set later in the day is held against all of it.
        const limits = view.limitsOf(agent, tenant, usdPerDay);
        const verdict = await ledger.reserve({ costId, agent, tenant, usd, at, limits });
        if (verdict.allowed || signal.aborted) return null;
        if (verdict.code !== 'budget-unknown') return { code: verdict.code, message: verdict.reason };
        const leftMs = time ? time.leftMs - (performance.now() - began) : Number.POSITIVE_INFINITY;
        if (time && leftMs <= 0) {
          // A try whose answer was lost may have counted it.
          void ledger.settle({ costId, usd: '0' });
          const message = `its time was over before it was known what was spent today: ${verdict.reason}`;
          return { code: time.code, message };
        }
        // Denied until the counters are known again; they are counted for all that wait, whoever gives up meanwhile.
        const counted = rebuilder.ensure(dayOf(at)).catch((error) => onTrouble(toError(error)));
        await within(leftMs, signal, (over) =>
          counted.then(() => sleep(RETRY_MS, undefined, { signal: over })),
        );
      }
    },
    settle: (costId, usd) => void ledger.settle({ costId, usd }),
  };
};
