import fc from 'fast-check';
import { expect, test } from 'vitest';
import { coPartitionAssignment } from '../../../connectors/kafka/co-partition-assignment.ts';

/** As the broker gives them: the client's name and an id. */
const members = fc.uniqueArray(
  fc.string().map((name) => `${name}-1`),
  { minLength: 1, maxLength: 6 },
);
const topics = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom('cdc.a', 'cdc.b', 'freshet.documents', 'freshet.tasks'), { minLength: 1 }),
    fc.integer({ min: 1, max: 12 }),
  )
  .map(([names, count]) =>
    Object.fromEntries(names.map((name) => [name, Array.from({ length: count }, (_, at) => at)])),
  );

test('every partition has one owner, and partition p of all topics the same', () => {
  fc.assert(
    fc.property(members, topics, (names, partitions) => {
      const assignment = coPartitionAssignment(names, partitions);
      expect(Object.keys(assignment).sort()).toEqual([...names].sort());
      for (const [topic, all] of Object.entries(partitions)) {
        const given = names.flatMap((name) => assignment[name]?.[topic] ?? []);
        expect([...given].sort((a, b) => a - b)).toEqual(all);
      }
      const owners = new Map<number, string>();
      for (const [name, owned] of Object.entries(assignment)) {
        for (const partition of Object.values(owned).flat()) {
          expect(owners.get(partition) ?? name).toBe(name);
          owners.set(partition, name);
        }
      }
    }),
  );
});

test('partitions are shared out evenly, and in whatever order members are named', () => {
  fc.assert(
    fc.property(members, topics, (names, partitions) => {
      const assignment = coPartitionAssignment(names, partitions);
      expect(coPartitionAssignment([...names].reverse(), partitions)).toEqual(assignment);
      const counts = names.map((name) => Object.values(assignment[name] ?? {})[0]?.length ?? 0);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }),
  );
});

test('without members nothing is assigned', () => {
  expect(coPartitionAssignment([], { a: [0, 1] })).toEqual({});
});
