import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createMemoryLedger } from '../../../agents/memory/memory-ledger-state.ts';
import { cutOf, endedMemory, namespaceOf } from '../../../agents/memory/memory-record.ts';
import { MOST_PLACES, mergeMemories } from '../../../agents/memory/merge-state.ts';
import { unlearned } from '../../../agents/memory/unlearn.ts';
import type { Memory } from '../../../schemas/records.ts';
import { JOURNAL, memory } from './turns.ts';

const STATES = ['kept', 'pruned', 'forgotten'] as const;
const histories = fc.array(
  fc.record({
    id: fc.integer({ min: 1, max: 3 }),
    at: fc.integer({ min: 1, max: 20 }),
    state: fc.constantFrom(...STATES),
  }),
  { maxLength: 12 },
);

const standing = (records: readonly Memory[]): readonly string[] => {
  const ledger = createMemoryLedger();
  for (const each of records) ledger.take(each);
  return [...ledger.of(namespaceOf(memory(1)))]
    .map(({ memoryId, state, at }) => `${memoryId} ${state} ${at}`)
    .sort();
};

describe('the ledger', () => {
  test('comes to the same in any order, with any repetition', () => {
    fc.assert(
      fc.property(histories, fc.infiniteStream(fc.nat()), (history, random) => {
        // Of one version there is one record.
        const versions = new Map(
          history.map(({ id, at, state }) => {
            const key = `${id}:${at}:${state === 'forgotten'}`;
            return [key, memory(id, { at, state })] as const;
          }),
        );
        const records = [...versions.values()];
        const shuffled = [...records, ...records].map((each) => ({ each, by: random.next().value ?? 0 }));
        shuffled.sort((a, b) => a.by - b.by);
        expect(standing(shuffled.map(({ each }) => each))).toEqual(standing(records));
      }),
    );
  });

  test('what a person forgot stays forgotten, whatever comes later', () => {
    expect(
      standing([memory(1, { at: 5 }), memory(1, { at: 6, state: 'forgotten' }), memory(1, { at: 99 })]),
    ).toEqual(['behaviour-1 forgotten 6']);
  });

  test('what was pruned may be learned again, by what came after it alone', () => {
    const pruned = endedMemory(memory(1, { at: 5 }), 'pruned', 'expired', 50);
    expect(standing([pruned, memory(1, { at: 5 })])).toEqual(['behaviour-1 pruned 50']);
    expect(standing([pruned, memory(1, { at: 60 })])).toEqual(['behaviour-1 kept 60']);
    expect(pruned).toMatchObject({ title: '', text: '' });
  });

  test('a cut holds for its session, its partition and its stretch', () => {
    const ledger = createMemoryLedger();
    const key = { tenant: 'acme', agent: 'support', sessionId: 's-1' };
    ledger.take(
      cutOf(key, [{ topic: JOURNAL, partition: 2, from: 10, to: 20 }], { at: 1, untilMs: 1, reason: 'x' }),
    );
    const place = { topic: JOURNAL, partition: 2, offset: 20 };
    expect(ledger.isCut(place, key)).toBe(true);
    expect(ledger.isCut({ ...place, offset: 21 }, key)).toBe(false);
    expect(ledger.isCut({ ...place, partition: 1 }, key)).toBe(false);
    expect(ledger.isCut(place, { ...key, sessionId: 's-2' })).toBe(false);
    expect(ledger.isCut(place, { ...key, tenant: 'brim' })).toBe(false);
    expect(ledger.isCut(place, { ...key, sessionId: null })).toBe(false);
  });

  test('a cut of a whole agent holds for every session of it, and for what has none', () => {
    const ledger = createMemoryLedger();
    const agent = { tenant: 'acme', agent: 'support', sessionId: null };
    const places = [{ topic: JOURNAL, partition: 2, from: 0, to: 20 }];
    const cut = cutOf(agent, places, { at: 1, untilMs: 1, reason: 'x' });
    ledger.take(cut);
    const place = { topic: JOURNAL, partition: 2, offset: 20 };
    for (const sessionId of ['s-1', '', null]) {
      expect(ledger.isCut(place, { ...agent, sessionId })).toBe(true);
      expect(ledger.isForgotten(place, { ...agent, sessionId })).toBe(true);
      expect(ledger.isCut({ ...place, offset: 21 }, { ...agent, sessionId })).toBe(false);
      expect(ledger.isCut(place, { ...agent, agent: 'triage', sessionId })).toBe(false);
    }
    ledger.dropped(cut.memoryId);
    expect(ledger.isCut(place, { ...agent, sessionId: 's-1' })).toBe(false);
  });
});

describe('two memories that say the same', () => {
  test('are one: the newer words, the uses of both, the places of both', () => {
    const held = memory(1, { uses: 3 });
    expect(mergeMemories(held, memory(9))).toMatchObject({
      memoryId: 'behaviour-1',
      title: 'What worked for: 9',
      uses: 4,
      createdAt: 1,
      at: 9,
      places: [...held.places, ...memory(9).places],
    });
  });

  test('written twice changes nothing, before a merge and after it', () => {
    expect(mergeMemories(memory(1), memory(1))).toBeUndefined();
    const merged = mergeMemories(memory(1), memory(9));
    expect(merged && mergeMemories(merged, memory(9))).toBeUndefined();
    expect(merged && mergeMemories(merged, memory(1))).toBeUndefined();
  });

  test('what is older than what stands is not counted, and what was forgotten is left alone', () => {
    expect(mergeMemories(memory(9), memory(5))).toBeUndefined();
    expect(mergeMemories(memory(1, { state: 'forgotten' }), memory(9))).toBeUndefined();
    expect(mergeMemories(memory(1, { state: 'pruned', uses: 7 }), memory(9))).toMatchObject({ uses: 1 });
  });

  test('however many are merged, uses are never too high and places are bounded', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 2, max: 60 }), { maxLength: 80 }), (numbers) => {
        let held = memory(1);
        for (const number of numbers) held = mergeMemories(held, memory(number)) ?? held;
        expect(held.uses).toBeLessThanOrEqual(1 + new Set(numbers).size);
        expect(held.places.length).toBeLessThanOrEqual(MOST_PLACES);
      }),
    );
  });
});

test('bad feedback ends the memory whose words are the execution’s, merged or not, and none that others took since', () => {
  const ledger = createMemoryLedger();
  const merged = mergeMemories(memory(1), memory(9));
  for (const each of [memory(1), ...(merged ? [merged] : []), memory(5)]) ledger.take(each);
  const given = (number: number, score = 0.2) =>
    unlearned(
      ledger,
      { score, tenant: null, agent: 'support', executionId: `execution-${number}`, at: 30 },
      'acme',
    );
  expect([given(1), given(9, 0.9), given(7)]).toEqual([undefined, undefined, undefined]);
  const ended = given(9);
  expect(ended).toMatchObject({
    memoryId: 'behaviour-1',
    state: 'pruned',
    reason: 'feedback',
    text: '',
    at: 30,
  });
  if (ended) ledger.take(ended);
  expect(given(9)).toBeUndefined();
  expect(given(5)).toMatchObject({ memoryId: 'behaviour-5' });
  // It is found by the execution that left its words last, and no more by one before.
  const found = (number: number) =>
    [...ledger.behavioursOf(`execution-${number}`)].map(({ memoryId, state }) => [memoryId, state]);
  expect([1, 9, 5].map(found)).toEqual([[], [['behaviour-1', 'pruned']], [['behaviour-5', 'kept']]]);
  ledger.dropped('behaviour-5');
  expect(found(5)).toEqual([]);
});
