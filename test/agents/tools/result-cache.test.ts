import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openResultCache, resultKey } from '../../../agents/tools/result-cache.ts';
import { scriptedTool } from './tools-under-test.ts';

const { tool } = scriptedTool('shop', []);
/** As the journal would give it back. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const ACME = { tenant: 'acme', agent: 'support' };

test('a key is of tenant, agent, tool and arguments as values: their order does not count, anything else does', () => {
  const whose = fc.record({ tenant: fc.string(), agent: fc.string() });
  const input = fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<string>);
  fc.assert(
    fc.property(whose, whose, input, input, (one, other, a, b) => {
      const turned = Object.fromEntries(Object.entries(a).reverse());
      expect(resultKey(one, tool, turned)).toBe(resultKey(one, tool, a));
      if (!isDeepStrictEqual(one, other)) expect(resultKey(one, tool, a)).not.toBe(resultKey(other, tool, a));
      expect(resultKey(one, tool, a) === resultKey(one, tool, b)).toBe(isDeepStrictEqual(plain(a), plain(b)));
    }),
  );
  expect(resultKey(ACME, scriptedTool('other', []).tool, {})).not.toBe(resultKey(ACME, tool, {}));
  const described = { ...tool, description: 'looks elsewhere' };
  expect(resultKey(ACME, described, {})).not.toBe(resultKey(ACME, tool, {}));
});

test('an entry has its age, is gone after its time, and cannot be changed by who got it', async () => {
  let now = 1_000;
  const cache = openResultCache({ now: () => now });
  cache.keep('k', { list: [1] }, 500);
  now += 200;
  const found = await cache.find('k', 500);
  expect(found).toEqual({ output: { list: [1] }, ageMs: 200 });
  (found as unknown as { output: { list: number[] } }).output.list.push(2);
  expect((await cache.find('k', 500))?.output).toEqual({ list: [1] });
  expect(await cache.find('k', 100)).toBeNull();
  now += 300;
  expect(await cache.find('k', 500)).toBeNull();
});

test('it is bounded: the least used goes first, and one too large is not kept', async () => {
  const cache = openResultCache({ maxCharacters: 400 });
  cache.keep('large', 'x'.repeat(200), 60_000);
  expect(await cache.find('large', 60_000)).toBeNull();
  for (let entry = 0; entry < 10; entry += 1) {
    cache.keep(`k${entry}`, 'x'.repeat(80), 60_000);
    await cache.find('k0', 60_000);
  }
  const kept = await Promise.all([...Array(10).keys()].map((entry) => cache.find(`k${entry}`, 60_000)));
  expect(kept.filter((each) => each !== null).length).toBeLessThanOrEqual(4);
  expect(kept[0]).not.toBeNull();
  expect(kept[9]).not.toBeNull();
});
