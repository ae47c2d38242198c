import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { linkSignals, withSignals } from '../../schemas/linked-signal.ts';
import { collectGarbage } from '../support/collect-garbage.ts';
import { until } from '../support/until.ts';

const held = (source: AbortSignal): number => getEventListeners(source, 'abort').length;

test('it is aborted with the first of its sources, for its reason, and holds on to none then', () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const { signal } = linkSignals(first.signal, undefined, second.signal);
  expect(signal.aborted).toBe(false);
  second.abort('the second');
  first.abort('the first');
  expect(signal.reason).toBe('the second');
  expect([held(first.signal), held(second.signal)]).toEqual([0, 0]);
});

test('of one that is aborted already it is aborted at once', () => {
  const source = new AbortController().signal;
  expect(linkSignals(source, AbortSignal.abort('before')).signal.reason).toBe('before');
  expect(held(source)).toBe(0);
});

test('once it is released, its sources hold nothing of it and end nothing', () => {
  const source = new AbortController();
  const links = Array.from({ length: 100 }, () => linkSignals(source.signal));
  expect(held(source.signal)).toBe(100);
  for (const { release } of links) release();
  expect(held(source.signal)).toBe(0);
  source.abort();
  expect(links.some(({ signal }) => signal.aborted)).toBe(false);
});

test('a timeout comes, whatever is collected before it', async () => {
  const { signal } = linkSignals(AbortSignal.timeout(100), new AbortController().signal);
  const collecting = setInterval(collectGarbage, 10);
  // Nobody listens but the link itself until it is looked at.
  await until('it is over', () => signal.aborted).finally(() => clearInterval(collecting));
  expect(signal.reason).toMatchObject({ name: 'TimeoutError' });
});

test('work is released however it ends', async () => {
  const source = new AbortController();
  expect(await withSignals([source.signal], async () => 'done')).toBe('done');
  await expect(withSignals([source.signal], async () => Promise.reject(new Error('no')))).rejects.toThrow(
    'no',
  );
  expect(held(source.signal)).toBe(0);
  const ends = withSignals(
    [source.signal],
    (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  );
  source.abort(new Error('over'));
  await expect(ends).rejects.toThrow('over');
});
