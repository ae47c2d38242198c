import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { takeRounds } from '../../../pipelines/apply-index/take-rounds.ts';

interface Batch {
  readonly name: string;
  readonly size: number;
}

const recorded = (most: number, bad: (batch: Batch) => boolean = () => false) => {
  const rounds: string[][] = [];
  const join = takeRounds<Batch, string>({
    most,
    sizeOf: ({ size }) => size,
    apply: async (batches) => {
      rounds.push(batches.map(({ name }) => name));
      const failing = batches.find(bad);
      if (failing) throw new Error(`${failing.name} cannot be applied`);
      return batches.map(({ name }) => `${name} is applied`);
    },
  });
  return { rounds, join };
};

test('what comes in one turn is one round, up to its size, and each has its own result', async () => {
  const { rounds, join } = recorded(5);
  const batches = [
    { name: 'a', size: 1 },
    { name: 'b', size: 4 },
    { name: 'c', size: 9 },
    { name: 'd', size: 2 },
  ];
  expect(await Promise.all(batches.map(join))).toEqual([
    'a is applied',
    'b is applied',
    'c is applied',
    'd is applied',
  ]);
  expect(rounds).toEqual([['a', 'b'], ['c'], ['d']]);
  expect(await join({ name: 'e', size: 1 })).toBe('e is applied');
});

test('one that cannot be applied rejects alone; the others of its round are applied without it', async () => {
  const { rounds, join } = recorded(10, ({ name }) => name === 'b');
  const results = await Promise.allSettled(['a', 'b', 'c'].map((name) => join({ name, size: 1 })));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(rounds).toEqual([['a', 'b', 'c'], ['a'], ['b'], ['c']]);
});

test('between two rounds the event loop has its turn', async () => {
  const { rounds, join } = recorded(1);
  const seen: number[] = [];
  const going = new AbortController();
  const look = (): void => {
    seen.push(rounds.length);
    if (!going.signal.aborted) setImmediate(look);
  };
  setImmediate(look);
  await Promise.all(['a', 'b', 'c'].map((name) => join({ name, size: 1 })));
  going.abort();
  expect(seen).toEqual(expect.arrayContaining([1, 2]));
});

test('every batch is applied once, in the order it came, however they come', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ size: fc.integer({ min: 0, max: 7 }), pause: fc.boolean() }), { maxLength: 30 }),
      async (plan) => {
        const { rounds, join } = recorded(6);
        const results: Promise<string>[] = [];
        for (const [at, { size, pause }] of plan.entries()) {
          results.push(join({ name: `batch ${at}`, size }));
          if (pause) await sleep(0);
        }
        expect(await Promise.all(results)).toEqual(plan.map((_, at) => `batch ${at} is applied`));
        expect(rounds.flat()).toEqual(plan.map((_, at) => `batch ${at}`));
      },
    ),
    { numRuns: 50 },
  );
});
