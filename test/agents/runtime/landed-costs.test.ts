/** Which calls whoever takes a partition over tells the day's money of. */
import { expect, test } from 'vitest';
import { createLandedCosts } from '../../../agents/runtime/landed-costs.ts';
import { eventOf } from '../../support/event-of.ts';

const event = (step: number, over: Parameters<typeof eventOf>[0]) =>
  eventOf({ executionId: 'e', epoch: 1, step, name: 'model', ...over });

test('what a call came to is told, free ones too; what is only reserved is not', () => {
  const landed = createLandedCosts();
  landed.add(event(1, { type: 'intent', reservedUsd: '0.5' }));
  landed.add(event(1, { type: 'llm-response', costUsd: '0.1' }));
  landed.add(event(2, { type: 'intent', reservedUsd: '0.5' }));
  landed.add(event(2, { type: 'error', costUsd: '0' }));
  landed.add(event(3, { type: 'intent', reservedUsd: '0.5' }));
  landed.add(event(3, { type: 'error', reservedUsd: '0.5' }));
  landed.add(event(4, { type: 'tool-call', costUsd: '0.2', priceTable: 'delegated', idempotencyKey: 'sub' }));
  landed.add(event(5, { type: 'claim' }));
  expect(landed.last()).toEqual([
    { costId: 'e:1:1', usd: '0.1' },
    { costId: 'e:1:2', usd: '0' },
  ]);
});

test('the last are held, however many there were', () => {
  const landed = createLandedCosts(3);
  for (let step = 0; step < 20; step += 1) landed.add(event(step, { type: 'llm-response', costUsd: '0.1' }));
  expect(landed.last().map(({ costId }) => costId)).toEqual(['e:1:17', 'e:1:18', 'e:1:19']);
});
