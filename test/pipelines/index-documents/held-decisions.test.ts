/** What people decided about refused documents, as the owner of a partition holds it. */
import { expect, test } from 'vitest';
import { createHeldDecisions } from '../../../pipelines/index-documents/held-decisions.ts';
import {
  controlKeyOf,
  documentOfControlKey,
  type ReleaseDecision,
} from '../../../schemas/release-decision.ts';

const decision = (documentId: string, partition: number, version = '1'): ReleaseDecision => ({
  ...{ documentId, partition, version, action: 'release', contentHash: 'x', gate: 'secrets' },
});

test('the newest decision about a document holds, in its partition alone, until it is taken back', () => {
  const held = createHeldDecisions();
  const [a, b, later] = [decision('shop/a/1', 0), decision('shop/a/2', 1), decision('shop/a/1', 1, '2')];
  held.set(a);
  held.set(b);
  expect([...held.about(0)]).toEqual([a]);
  expect([...held.about(2)]).toEqual([]);
  held.set(later);
  expect([[...held.about(0)], [...held.about(1)]]).toEqual([[], [b, later]]);
  expect(held.get('shop/a/1')).toBe(later);
  held.forget('shop/a/1');
  held.forget('shop/a/9');
  expect(held.get('shop/a/1')).toBeUndefined();
  expect([...held.about(1)]).toEqual([b]);
});

test('a record without a value says by its key which decision it takes back', () => {
  expect(documentOfControlKey(controlKeyOf('shop/a/release:1'))).toBe('shop/a/release:1');
  expect(documentOfControlKey('kill:release:1')).toBeUndefined();
});
