/** What must not be skipped is tried until it passes, or until nobody wants it. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { untilItPasses } from '../../pipelines/until-it-passes.ts';

test('it is tried again, each failure told, until it passes', async () => {
  const told: string[] = [];
  let calls = 0;
  await untilItPasses(
    async () => {
      calls += 1;
      if (calls < 3) throw new Error(`no ${calls}`);
    },
    {
      signal: new AbortController().signal,
      onRetry: ({ message }, attempt) => told.push(`${attempt}: ${message}`),
    },
  );
  expect(told).toEqual(['1: no 1', '2: no 2']);
});

test('a wait between two attempts ends with the wish for it', async () => {
  const gone = new AbortController();
  let calls = 0;
  let over = false;
  const work = async () => {
    calls += 1;
    throw new Error('no');
  };
  const trying = untilItPasses(work, {
    signal: gone.signal,
    onRetry: () => setImmediate(() => gone.abort()),
  });
  void trying.then(() => {
    over = true;
  });
  for (let turns = 0; turns < 3; turns += 1) await turn();
  expect([calls, over]).toEqual([1, true]);
});
