import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  PASSED_OVER_BEHIND_MS,
  type ReplicaLook,
  replicaOrder,
} from '../../../connectors/index-service/replica-order.ts';
import { UNTRACKED } from '../../../schemas/search.ts';
import { BEHIND, knownWatermark } from './known-watermark.ts';

type Named = { readonly name: string; readonly look: ReplicaLook | undefined };
const order = (replicas: readonly Named[], turn = 0): string =>
  replicaOrder(replicas, ({ look }) => look, turn)
    .map(({ name }) => name)
    .join('');
const ready = (stalenessMs: number): ReplicaLook => ({
  notReady: null,
  watermarks: { shop: knownWatermark(stalenessMs) },
});
const reading: ReplicaLook = {
  notReady: 'the index to catch up with the log',
  watermarks: { shop: BEHIND },
};

const looks = fc.option(
  fc.record({
    notReady: fc.constantFrom(null, 'a disk with space'),
    watermarks: fc.dictionary(
      fc.constantFrom('shop', 'help'),
      fc.oneof(
        fc.constant(BEHIND),
        fc.integer({ min: 0, max: 60_000 }).map((ms) => knownWatermark(ms)),
      ),
    ),
  }),
  { nil: undefined },
);

test('each comes once; one that is not ready comes after every one that is and covers as much', () => {
  fc.assert(
    fc.property(fc.array(looks, { maxLength: 5 }), fc.nat(), (all, turn) => {
      const replicas = all.map((look, at) => ({ name: String(at), look }));
      const ordered = replicaOrder(replicas, ({ look }) => look, turn);
      expect([...ordered].sort((a, b) => Number(a.name) - Number(b.name))).toEqual(replicas);
      const lastUnseen = ordered.findLastIndex(({ look }) => look === undefined);
      const firstNotReady = ordered.findIndex(({ look }) => look?.notReady);
      expect(firstNotReady < 0 || lastUnseen < firstNotReady).toBe(true);
    }),
  );
});

test('those that are fit are asked as often as each other, whoever is passed over', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.nat({ max: 3 }), fc.nat(), (fit, unfit, turn) => {
      const replicas = [
        ...Array.from({ length: unfit }, (_, at) => ({ name: `u${at}`, look: reading })),
        ...Array.from({ length: fit }, (_, at) => ({ name: `f${at}`, look: ready(at) })),
      ];
      const firsts = Array.from(
        { length: fit },
        (_, at) => replicaOrder(replicas, ({ look }) => look, turn + at)[0]?.name,
      );
      expect([...firsts].sort()).toEqual(Array.from({ length: fit }, (_, at) => `f${at}`));
    }),
  );
});

test('one that is behind another is passed over; what all are late by is held against none', () => {
  for (const turn of [0, 1]) {
    const stuck = ready(PASSED_OVER_BEHIND_MS + 101);
    const pair = [
      { name: 'a', look: stuck },
      { name: 'b', look: ready(100) },
    ];
    expect(order(pair, turn)).toBe('ba');
  }
  const late = ['a', 'b'].map((name) => ({ name, look: ready(3_600_000) }));
  expect([order(late, 0), order(late, 1)].sort()).toEqual(['ab', 'ba']);
  const untracked = ['a', 'b'].map((name) => ({
    name,
    look: { notReady: null, watermarks: { shop: UNTRACKED } },
  }));
  expect([order(untracked, 0), order(untracked, 1)].sort()).toEqual(['ab', 'ba']);
});

test('one whose age is not known is no fresher than another: it comes behind it, and where no age is known none does', () => {
  const ageless = { ...ready(0), watermarks: { shop: { ...knownWatermark(0), stalenessMs: null } } };
  const stuck = ready(PASSED_OVER_BEHIND_MS + 101);
  for (const turn of [0, 1]) {
    const pair = [
      { name: 'a', look: ageless },
      { name: 'b', look: stuck },
    ];
    expect(order(pair, turn)).toBe('ba');
  }
  const both = ['a', 'b'].map((name) => ({ name, look: ageless }));
  expect([order(both, 0), order(both, 1)].sort()).toEqual(['ab', 'ba']);
});

test('where none is fit, the one that is least behind is asked', () => {
  const full = { ...ready(90_000), notReady: 'a disk with space' };
  for (const turn of [0, 1, 2])
    expect(
      order(
        [
          { name: 'a', look: reading },
          { name: 'b', look: { ...full, watermarks: { shop: knownWatermark(600_000) } } },
          { name: 'c', look: full },
        ],
        turn,
      ),
    ).toBe('cba');
});
