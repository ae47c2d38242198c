import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  endedLongAgo,
  mayPrune,
  memoriesToPrune,
  recallScore,
  worthOf,
} from '../../../agents/memory/prune-state.ts';
import { recalled } from '../../../agents/memory/recall-memories.ts';
import type { MemoryUse } from '../../../connectors/redis/use-counts.ts';
import type { LongTermPolicy } from '../../../schemas/memory-policy.ts';
import { memory } from './turns.ts';

const HOUR = 3_600_000_000;
const POLICY: LongTermPolicy = {
  ...{ topK: 4, mergeAbove: 0.95, maxPerTenant: 5 },
  ...{ ttlMs: 100 * 3_600_000, halfLifeMs: 24 * 3_600_000 },
};
const NOW = 1_000 * HOUR;
const NONE: ReadonlyMap<string, MemoryUse> = new Map();

const memories = fc
  .uniqueArray(
    fc.record({
      id: fc.nat(50),
      age: fc.integer({ min: 0, max: 200 }),
      uses: fc.integer({ min: 1, max: 40 }),
    }),
    {
      selector: ({ id }) => id,
      maxLength: 20,
    },
  )
  .map((list) => list.map(({ id, age, uses }) => memory(id, { at: NOW - age * HOUR, uses })));

describe('what goes', () => {
  test('leaves no more than the cap and nothing past its time, the same in any order', () => {
    fc.assert(
      fc.property(memories, (held) => {
        const pruned = memoriesToPrune(held, NONE, POLICY, NOW, 1_000);
        const gone = new Set(pruned.map(({ memory: each }) => each.memoryId));
        const left = held.filter(({ memoryId }) => !gone.has(memoryId));
        expect(left.length).toBeLessThanOrEqual(POLICY.maxPerTenant);
        for (const { at } of left) expect(at + POLICY.ttlMs * 1_000).toBeGreaterThan(NOW);
        expect(memoriesToPrune(held.toReversed(), NONE, POLICY, NOW, 1_000)).toEqual(pruned);
        // Whatever stays is worth as much as whatever had to give way.
        const worth = (each: (typeof held)[number]) => worthOf(each, undefined, POLICY, NOW);
        const best = Math.max(
          0,
          ...pruned
            .filter(({ reason }) => reason === 'too-many')
            .map(({ memory: each }) => worth(each as never)),
        );
        for (const each of left) expect(worth(each)).toBeGreaterThanOrEqual(best);
      }),
    );
  });

  test('nothing is asked of a namespace of which nothing can go, whatever was recalled', () => {
    fc.assert(
      fc.property(
        memories,
        fc.dictionary(
          fc.nat(50).map((id) => `behaviour-${id}`),
          fc.nat(200),
        ),
        (held, recalled) => {
          const uses = new Map(
            Object.entries(recalled).map(([id, age]) => [id, { count: 2, lastAt: NOW - age * HOUR }]),
          );
          const pruned = memoriesToPrune(held, uses, POLICY, NOW, 1_000);
          if (!mayPrune(held, POLICY, NOW)) expect(pruned).toEqual([]);
        },
      ),
    );
    const fresh = [1, 2, 3, 4, 5].map((id) => memory(id, { at: NOW - 99 * HOUR }));
    const ended = memory(6, { at: 1, state: 'pruned' });
    const cut = memory(7, { at: 1, kind: 'cut' });
    expect(mayPrune([...fresh, ended, cut], POLICY, NOW)).toBe(false);
    expect(mayPrune([...fresh, memory(8, { at: NOW })], POLICY, NOW)).toBe(true);
    expect(mayPrune([memory(9, { at: NOW - 100 * HOUR })], POLICY, NOW)).toBe(true);
  });

  test('a turn of the work is bounded', () => {
    const held = Array.from({ length: 30 }, (_, id) => memory(id, { at: NOW - 500 * HOUR }));
    expect(memoriesToPrune(held, NONE, POLICY, NOW, 7)).toHaveLength(7);
  });

  test('a recall keeps a memory alive; what has ended is not pruned again', () => {
    const old = memory(1, { at: NOW - 101 * HOUR });
    expect(memoriesToPrune([old], NONE, POLICY, NOW, 10)).toMatchObject([{ reason: 'expired' }]);
    const used = new Map([['behaviour-1', { count: 1, lastAt: NOW - HOUR }]]);
    expect(memoriesToPrune([old], used, POLICY, NOW, 10)).toEqual([]);
    expect(memoriesToPrune([{ ...old, state: 'forgotten' }], NONE, POLICY, NOW, 10)).toEqual([]);
  });
});

test('worth halves with every half-life, and grows with use; it is never 0', () => {
  const at = NOW - 24 * HOUR;
  const fresh = worthOf({ at: NOW, uses: 1 }, undefined, POLICY, NOW);
  expect(worthOf({ at, uses: 1 }, undefined, POLICY, NOW)).toBeCloseTo(fresh / 2, 10);
  expect(worthOf({ at, uses: 3 }, undefined, POLICY, NOW)).toBeGreaterThan(fresh / 2);
  expect(worthOf({ at: NOW - 900 * HOUR, uses: 1 }, undefined, POLICY, NOW)).toBeGreaterThan(0);
  expect(recallScore(0.8, fresh)).toBeCloseTo(0.8, 10);
  expect(recallScore(0.8, 0)).toBeCloseTo(0.4, 10);
});

test('what was forgotten is known until the journal cannot bring it back, what was pruned a while, a cut until its own end', () => {
  const over = endedLongAgo(
    [
      memory(1, { at: 1, state: 'pruned' }),
      memory(2, { at: NOW, state: 'pruned' }),
      memory(6, { at: NOW - HOUR / 2, state: 'forgotten' }),
      memory(7, { at: NOW - HOUR / 2, state: 'pruned' }),
      memory(3, { at: 1 }),
      memory(4, { at: 1, kind: 'cut', expiresAt: NOW - 1 }),
      memory(5, { at: 1, kind: 'cut', expiresAt: NOW + 1 }),
    ],
    { prunedMs: 60_000, forgottenMs: 3_600_000 },
    NOW,
    10,
  );
  expect(over.map(({ memoryId }) => memoryId)).toEqual(['behaviour-1', 'behaviour-7', 'behaviour-4']);
});

test('what is still kept is still recalled, and nothing else', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 200 }),
      fc.option(fc.integer({ min: 0, max: 200 })),
      (age, used) => {
        const held = memory(1, { at: NOW - age * HOUR, uses: 1 });
        const use = used === null ? undefined : { count: 3, lastAt: NOW - used * HOUR };
        const hit = {
          ...{ documentId: `memory/behaviour/${held.memoryId}`, chunk: 0, title: 't', text: 'x', score: 0.9 },
          ...{ version: '1', ageMs: 0 },
          metadata: { memoryKind: 'behaviour', origin: 'model', uses: '1', at: String(held.at) },
        };
        const uses = use ? new Map([[held.memoryId, use]]) : NONE;
        const goes = memoriesToPrune([held], uses, POLICY, NOW, 1).length === 1;
        expect(recalled(hit, use, POLICY, NOW) === undefined).toBe(goes);
      },
    ),
  );
});
