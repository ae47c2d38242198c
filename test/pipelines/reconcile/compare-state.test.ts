import { expect, test } from 'vitest';
import { divergenceOf } from '../../../pipelines/reconcile/compare-state.ts';

const HELD = { kind: 'document', digest: 'a', vectorsMissing: 0, refusal: null, searchable: true } as const;
const refusedBy = (refusal: string) => ({ ...HELD, kind: 'refused', refusal, searchable: false }) as const;
const keptBehind = (refusal: string) => ({ ...refusedBy(refusal), searchable: true }) as const;

test.each([
  ['what it should be', 'a', HELD, undefined],
  ['another content', 'b', HELD, 'different'],
  ['nothing', 'a', undefined, 'missing'],
  ['a row that is gone', undefined, HELD, 'extra'],
  ['a row that a gate refuses', null, HELD, 'extra'],
  ['rows that the engine lost', 'a', { ...HELD, vectorsMissing: 1 }, 'unfindable'],
  ['a refusal that the gates would no longer make', 'a', refusedBy('length: too-few-characters'), 'missing'],
  ['a refusal that goes by other documents', 'a', refusedBy('duplicates: same-text'), undefined],
  ['a refusal that goes by vectors', 'a', refusedBy('embedding: drifted'), undefined],
  ['what a person dropped', 'a', refusedBy('person: dropped'), undefined],
  ['a record that was too large', 'a', refusedBy('length: too-many-bytes'), undefined],
  ['a marker of a row that is refused', null, refusedBy('instructions: encoded'), undefined],
  ['what a refused row keeps of before', null, keptBehind('instructions: encoded'), undefined],
  [
    'what a refused row keeps of before, and the row is gone',
    undefined,
    keptBehind('secrets: token'),
    'extra',
  ],
  ['a marker of a refused row that is gone', undefined, refusedBy('secrets: token'), undefined],
] as const)('%s', (_, expected, held, divergence) => {
  expect(divergenceOf(expected, held)).toBe(divergence);
});
