/** The guards of calls over their servers: breakers that all workers share, and the day's money with its rebuild. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { SharedBreakers } from '../../connectors/redis/shared-breaker.ts';
import { type BudgetLedger, dayOf } from '../../schemas/budget-ledger.ts';
import type { ControlView } from '../../schemas/control-view.ts';
import { toError } from '../../schemas/errors.ts';
import type { CallGuards } from '../runtime/call-guards.ts';
import type { BudgetRebuilder } from './rebuild-budgets.ts';

const RETRY_MS = 250;

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
    called: (name, worked) => void breakers.after(name, worked),
    notMade: (name) => void breakers.without(name),
    reserve: async ({ costId, agent, tenant, usd, at, usdPerDay }, signal) => {
      for (;;) {
        // Counted without a limit too: one that is set later in the day is held against all of it.
        const limits = view.limitsOf(agent, tenant, usdPerDay);
        const verdict = await ledger.reserve({ costId, agent, tenant, usd, at, limits });
        if (verdict.allowed || signal.aborted) return null;
        if (verdict.code !== 'budget-unknown') return { code: verdict.code, message: verdict.reason };
        // Denied until the counters are known again: the execution's own wall time ends the wait.
        await rebuilder.ensure(dayOf(at)).catch((error) => onTrouble(toError(error)));
        await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    },
    settle: (costId, usd) => void ledger.settle({ costId, usd }),
  };
};
