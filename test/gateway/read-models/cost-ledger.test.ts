import { expect, test } from 'vitest';
import { createCostLedger } from '../../../gateway/read-models/cost-ledger.ts';
import type { Cost } from '../../../schemas/records.ts';

const cost = (costId: string, at: number): Cost => ({
  ...{ costId, taskId: 't', executionId: 'e', agent: 'support', tenant: null, feature: null, tool: null },
  ...{ model: 'm', step: 1, inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, usd: '0.001', at },
  ...{ priceTable: '', settled: true, kind: 'model', outcome: 'done' },
});

test('it says from when on it holds all that was spent: after what it forgot, and after what was not read', () => {
  const ledger = createCostLedger(3);
  for (const at of [10, 20, 30]) ledger.add(cost(`c${at}`, at));
  // Told again, it takes no room.
  ledger.add(cost('c30', 30));
  expect([ledger.isFull(), ledger.reachesTo(1)]).toEqual([false, true]);
  ledger.add(cost('c40', 40));
  expect([ledger.isFull(), ledger.reachesTo(10), ledger.reachesTo(11)]).toEqual([true, false, true]);
  // How far back it was read is known with its first record.
  ledger.cut(7);
  expect([ledger.isFull(), ledger.reachesTo(99)]).toEqual([true, false]);
  ledger.add(cost('c40', 40), 6);
  expect(ledger.reachesTo(99)).toBe(false);
  for (const at of [25, 40]) ledger.add(cost(`c${at}`, at), 7);
  expect([ledger.reachesTo(25), ledger.reachesTo(26)]).toEqual([false, true]);
  ledger.clear();
  expect(ledger.isFull()).toBe(false);
});
