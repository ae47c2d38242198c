import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createEphemeralMemory } from '../../../agents/memory/ephemeral-memory.ts';

const LIMITS = { maxExecutions: 3, maxEntries: 2, maxCharacters: 40 };

test('is an execution’s own, and gone at its end', () => {
  const memory = createEphemeralMemory();
  memory.set('a', 'name', 'one');
  memory.set('b', 'name', 'two');
  expect([memory.get('a', 'name'), memory.get('b', 'name'), memory.get('a', 'other')]).toEqual([
    'one',
    'two',
    undefined,
  ]);
  memory.end('a');
  expect(memory.get('a', 'name')).toBeUndefined();
  expect(memory.stats()).toEqual({ executions: 1, characters: 7 });
});

test('whatever is done, no limit is passed and the count is right', () => {
  const steps = fc.array(
    fc.record({
      of: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      name: fc.constantFrom('x', 'y', 'z'),
      value: fc.string({ maxLength: 60 }),
      ends: fc.boolean(),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const memory = createEphemeralMemory(LIMITS);
      for (const { of, name, value, ends } of list) {
        if (ends) memory.end(of);
        else memory.set(of, name, value);
        const { executions, characters } = memory.stats();
        expect(executions).toBeLessThanOrEqual(LIMITS.maxExecutions);
        expect(characters).toBeLessThanOrEqual(LIMITS.maxCharacters);
        const held = ['a', 'b', 'c', 'd', 'e'].flatMap((each) =>
          ['x', 'y', 'z'].map((key) => memory.get(each, key)).filter((text) => text !== undefined),
        );
        expect(held.reduce((sum, text) => sum + text.length + 1, 0)).toBe(characters);
      }
    }),
  );
});

test('who was not used for longest goes first', () => {
  const memory = createEphemeralMemory(LIMITS);
  for (const id of ['a', 'b', 'c']) memory.set(id, 'x', '1');
  memory.get('a', 'x');
  memory.set('d', 'x', '1');
  expect(['a', 'b', 'c', 'd'].filter((of) => memory.get(of, 'x') !== undefined)).toEqual(['a', 'c', 'd']);
});
