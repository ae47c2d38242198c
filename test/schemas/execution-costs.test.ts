import { expect, test } from 'vitest';
import { eventOf } from '../../agents/runtime/execution-journal.ts';
import { advanceCosts, NO_COSTS, totalUsd } from '../../schemas/execution-costs.ts';
import { formatUsd } from '../../schemas/money.ts';

const IDENTITY = {
  ...{ executionId: 'execution-1', taskId: 'task-1', agent: 'support', behaviour: '1' },
  ...{ worker: 'worker-a', tenant: 'acme', sessionId: null },
};

test.each(['0.00-104999999', '-1', '1e9', 'NaN', '', '9999999999999.5'])(
  'what says that it cost %j leaves its reservation standing, and no fold that reads it stops',
  (costUsd) => {
    const place = { epoch: 1, sequence: 1 };
    const drafts = [
      { type: 'intent', step: 1, name: 'first', reservedUsd: '0.25', priceTable: 'p' },
      { type: 'llm-response', step: 1, name: 'first', costUsd, priceTable: 'p' },
    ] as const;
    const costs = drafts.reduce(
      (before, draft) => advanceCosts(before, eventOf(IDENTITY, draft, place, 1), true),
      NO_COSTS,
    );
    expect(formatUsd(totalUsd(costs))).toBe('0.25');
  },
);

test('a reservation that is no amount reserves nothing', () => {
  const draft = { type: 'intent', step: 1, name: 'first', reservedUsd: 'much', priceTable: 'p' } as const;
  const costs = advanceCosts(NO_COSTS, eventOf(IDENTITY, draft, { epoch: 1, sequence: 1 }, 1), true);
  expect(costs.size).toBe(0);
});
