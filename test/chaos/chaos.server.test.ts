/** A short chaos run: workers and the projection killed, stopped and cut off under load, on servers of its own. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestStack, type TestStack } from '../support/own-stack.ts';
import { entriesOf } from './history.ts';
import { runChaos } from './run-chaos.ts';

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ servers: ['kafka', 'schemaRegistry'] });
});

afterAll(() => stack?.stop());

test('I2, I3 and I8 hold while workers are killed, stopped and cut off', async () => {
  const { history, verdicts } = await runChaos(
    { kafka: stack.kafka, schemaRegistry: stack.schemaRegistry },
    { seed: 12, forMs: 20_000, plant: null, tasksPerSecond: 4 },
  );
  expect(verdicts.map(({ invariant, violations }) => [invariant, violations])).toEqual([
    ['I2', []],
    ['I3', []],
    ['I8', []],
  ]);
  expect(entriesOf(history, 'acknowledged')).toHaveLength(80);
  const kinds = new Set(entriesOf(history, 'fault').map(({ fault }) => fault.kind));
  expect([...kinds].sort()).toEqual(['cut', 'kill', 'stop']);
  const claims = entriesOf(history, 'journal').filter(({ event }) => event.type === 'claim');
  // Something was taken over: else nothing was put to the test.
  expect(claims.some(({ event }) => event.epoch > 1)).toBe(true);
});
