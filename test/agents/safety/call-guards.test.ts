/** How long a call waits for the day's money, where nobody can say what was spent (rule B). */
import { expect, test } from 'vitest';
import { openCallGuards } from '../../../agents/safety/call-guards.ts';
import type { SharedBreakers } from '../../../connectors/redis/shared-breaker.ts';
import type { BudgetLedger } from '../../../schemas/budget-ledger.ts';
import { createControlView } from '../../../schemas/control-view.ts';

const NEVER = new Promise<never>(() => undefined);
const money = {
  ...{ costId: 'execution-1:1:2', agent: 'support', tenant: 'acme', usd: '0.1', at: 1_700_000_000_000_000 },
  usdPerDay: { agent: '1', tenant: null },
};

/** Redis is away, and so is whatever the counters would be rebuilt from. */
const guardsWithout = (settled: string[]) => {
  const nothing = async (): Promise<void> => undefined;
  const breakers: SharedBreakers = {
    before: async () => ({ allowed: true }),
    peek: async () => true,
    after: nothing,
    without: nothing,
    close: nothing,
  };
  const ledger: BudgetLedger = {
    reserve: async () => ({
      allowed: false,
      code: 'budget-unknown',
      reason: 'Redis does not answer',
      remainingUsd: null,
    }),
    settle: async ({ costId, usd }) => {
      settled.push(`${costId} ${usd}`);
    },
    rebuild: () => NEVER,
    spending: () => NEVER,
    close: nothing,
  };
  const view = createControlView();
  return openCallGuards({
    ...{ breakers, ledger, view },
    rebuilder: { ensure: () => NEVER },
    onTrouble: () => undefined,
  });
};

test.each(['wall-time', 'deadline'] as const)(
  'whoever waits for counters that nobody can count is denied at the end of its %s, and nothing stays counted for it',
  async (code) => {
    const settled: string[] = [];
    const time = { leftMs: 5, code };
    const denied = await guardsWithout(settled).reserve({ ...money, time }, new AbortController().signal);
    expect(denied).toMatchObject({ code, message: expect.stringContaining('Redis does not answer') });
    expect(settled).toEqual([`${money.costId} 0`]);
  },
);

test('whoever is stopped while the counters are rebuilt waits no longer', async () => {
  const stopping = new AbortController();
  const settled: string[] = [];
  const reserved = guardsWithout(settled).reserve(money, stopping.signal);
  setImmediate(() => stopping.abort());
  expect(await reserved).toBeNull();
});
