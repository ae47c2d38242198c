/** A worker of a partition that went while it was taken on would run beside its real owner's, and so would all that one process does. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createPartitionClaims } from '../../../pipelines/index-documents/partition-claims.ts';

test('a partition lost while it is taken on is not taken on', () => {
  const claims = createPartitionClaims();
  const still = claims.claim([0, 1]);
  claims.lose(0);
  expect(still()).toEqual([1]);
});

test('lost and assigned again meanwhile: the later taking on has it, whichever is done first', () => {
  const claims = createPartitionClaims();
  const first = claims.claim([0]);
  claims.lose(0);
  const second = claims.claim([0]);
  expect(first()).toEqual([]);
  expect(second()).toEqual([0]);
});

test('whatever the order, a partition is had by one taking on at most, and by none once it is lost', () => {
  const partitions = fc.uniqueArray(fc.nat(3), { minLength: 1 });
  const event = fc.oneof(partitions, fc.nat(3));
  fc.assert(
    fc.property(fc.array(event, { maxLength: 12 }), (events) => {
      const claims = createPartitionClaims();
      const had: (() => readonly number[])[] = [];
      const owned = new Set<number>();
      for (const each of events) {
        if (typeof each === 'number') {
          claims.lose(each);
          owned.delete(each);
        } else {
          had.push(claims.claim(each));
          for (const partition of each) owned.add(partition);
        }
        const all = had.flatMap((still) => still());
        expect(all.sort()).toEqual([...owned].sort());
      }
    }),
  );
});
