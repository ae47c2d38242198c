/** How few passes many places take, and that each place is in one of them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { passesOf } from '../../gateway/read-origins.ts';

const at = (topic: string, partition: number, offset: number) => ({ topic, partition, offset });

test('letters of one burst are read in one pass, over however many partitions; far ones in another', () => {
  const burst = Array.from({ length: 200 }, (_, each) => at('cdc.shop', each % 3, 1_000 + each));
  expect(passesOf(burst)).toHaveLength(1);
  expect(passesOf([...burst, at('cdc.shop', 0, 9_000_000), at('cdc.shop', 1, 7_000_000)])).toHaveLength(2);
  expect(passesOf([...burst, at('freshet.tasks', 0, 5)])).toHaveLength(2);
  expect(passesOf([])).toEqual([]);
});

test('every place is in a pass, and no pass reads far beyond them', () => {
  const place = fc.tuple(fc.constantFrom('a', 'b'), fc.nat(2), fc.nat(100_000));
  fc.assert(
    fc.property(fc.array(place, { maxLength: 40 }), (places) => {
      const passes = passesOf(places.map(([topic, partition, offset]) => at(topic, partition, offset)));
      for (const [topic, partition, offset] of places) {
        const holds = passes.filter((pass) => {
          const [from = 0, to = 0] = [pass.from?.get(partition), pass.to?.get(partition)];
          return (
            pass.topic === topic && pass.partitions?.includes(partition) && from <= offset && offset < to
          );
        });
        expect(holds).toHaveLength(1);
      }
      for (const { topic, from, to } of passes)
        for (const [partition, first] of from ?? []) {
          const inside = places.filter(
            ([t, p, offset]) =>
              t === topic && p === partition && first <= offset && offset < (to?.get(p) ?? 0),
          );
          expect((to?.get(partition) ?? 0) - first).toBeLessThanOrEqual(inside.length * 300);
        }
    }),
  );
});
