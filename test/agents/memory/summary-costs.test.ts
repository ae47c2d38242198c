import { expect, test } from 'vitest';
import { recordSummaryCosts } from '../../../agents/memory/summary-costs.ts';
import type { MoneyAsked } from '../../../agents/runtime/call-guards.ts';
import type { Cost } from '../../../schemas/records.ts';

test('a summary waits a moment for the day\u2019s money, and is released where nobody can say what was spent', async () => {
  const asked: MoneyAsked[] = [];
  const settled: string[] = [];
  const costs: Cost[] = [];
  const ledger = recordSummaryCosts({
    writer: { append: async () => [] },
    codec: {
      encode: (_, record) => {
        costs.push(record as Cost);
        return Buffer.alloc(0);
      },
    },
    clock: () => 1_700_000_000_000_000,
    guards: {
      reserve: async (money) => {
        asked.push(money);
        return { code: 'wall-time', message: 'its time was over before it was known what was spent today' };
      },
      settle: (_, usd) => void settled.push(usd),
    },
    usdPerDayOf: () => ({ agent: '1', tenant: null }),
  });
  const model = { id: 'first', price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' } };
  const bounds = { inputTokens: 1_000, outputTokens: 300 };
  const reserved = await ledger.reserve(
    { agent: 'support', tenant: 'acme' },
    model,
    bounds,
    new AbortController().signal,
  );
  expect(reserved).toBeNull();
  // Less than a worker has to stop in order (cli/roles/role-process.ts), whatever else it waits for.
  expect(asked[0]?.time?.leftMs).toBeLessThanOrEqual(5_000);
  expect(costs.map(({ usd, outcome }) => [usd, outcome])).toEqual([
    ['0.0075', 'lost'],
    ['0', 'failed'],
  ]);
  expect(settled).toEqual(['0']);
});
