/** A short chaos run: workers, projection, gateway and Redis killed, stopped and cut off under load, on servers of its own. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestStack, type TestStack } from '../support/own-stack.ts';
import { entriesOf } from './history.ts';
import { runChaos } from './run-chaos.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ servers: ['kafka', 'schemaRegistry', 'redis'] });
});

afterAll(() => stack?.stop());

test('the invariants hold while workers, gateway and Redis are killed, stopped and cut off', async () => {
  const { history, verdicts } = await runChaos(
    {
      kafka: stack.kafka,
      schemaRegistry: stack.schemaRegistry,
      redis: stack.redis,
      killRedis: () => stack.killServer('redis'),
      startRedis: () => stack.startServer('redis'),
    },
    { seed: 28, forMs: 16_000, plant: null, tasksPerSecond: 5 },
  );
  expect(verdicts.map(({ invariant, violations }) => [invariant, violations])).toEqual([
    ['I2', []],
    ['I3', []],
    ['I8', []],
    ['sessions', []],
    ['read models', []],
  ]);
  const acknowledged = entriesOf(history, 'acknowledged');
  expect(acknowledged.filter(({ rollCall }) => !rollCall)).toHaveLength(80);
  const faults = entriesOf(history, 'fault').map(({ fault }) => fault);
  const kinds = new Set(faults.map(({ kind }) => kind));
  expect([...kinds].sort()).toEqual(['cut', 'cut-redis', 'kill', 'kill-redis', 'stop']);
  expect(faults.some((fault) => fault.kind === 'kill' && fault.process === 'gateway')).toBe(true);
  // Something was taken over, remembered, spent and posted: else nothing was put to the test.
  const events = entriesOf(history, 'journal').map(({ event }) => event);
  expect(events.some(({ type, epoch }) => type === 'claim' && epoch > 1)).toBe(true);
  expect(events.some(({ recalled }) => recalled?.session === 'known')).toBe(true);
  expect(entriesOf(history, 'ledger').map(({ known }) => known)).toEqual([true]);
  expect(acknowledged.some(({ taskId, as }) => taskId !== as)).toBe(true);
});
