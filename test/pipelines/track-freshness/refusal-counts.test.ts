/** What a receipt says was refused: refusals alone, and each once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isRefusal,
  NO_REFUSALS,
  type RefusalCounts,
  withRefusal,
} from '../../../pipelines/track-freshness/refusal-counts.ts';

test('a follower that begins again counts nothing twice', () => {
  const record = fc.record({
    topic: fc.constantFrom('freshet.quarantine', 'freshet.dead-letters'),
    source: fc.constantFrom('a', 'b', undefined),
  });
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 20 }),
      fc.array(fc.nat(20), { maxLength: 3 }),
      (log, breaks) => {
        const ends = new Map<string, number>();
        const records = log.map(({ topic, source }) => {
          const offset = ends.get(topic) ?? 0;
          ends.set(topic, offset + 1);
          return { place: { topic, partition: 0, offset }, source };
        });
        const read = (before: RefusalCounts, upTo: number): RefusalCounts =>
          records
            .slice(0, upTo)
            .reduce(
              (counts, { place, source }) =>
                withRefusal(
                  counts,
                  place,
                  source,
                  place.topic === 'freshet.quarantine' ? 'quarantined' : 'deadLettered',
                ),
              before,
            );
        const once = read(NO_REFUSALS, records.length);
        const broken = read(breaks.reduce(read, NO_REFUSALS), records.length);
        expect(broken.bySource).toEqual(once.bySource);
        const total = [...once.bySource.values()].reduce(
          (sum, each) => sum + each.quarantined + each.deadLettered,
          0,
        );
        expect(total).toBe(records.filter(({ source }) => source !== undefined).length);
      },
    ),
  );
});

test('a refused document that passed, was deleted or was given up is not refused once more', () => {
  expect(
    ['refused', 'passed', 'deleted', 'dropped'].filter((outcome) => isRefusal({ outcome } as never)),
  ).toEqual(['refused']);
});
