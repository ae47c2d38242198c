import fc from 'fast-check';
import { expect, test } from 'vitest';
import { capHits, fuseRankings } from '../../../pipelines/apply-index/fuse-hits.ts';

const ranking = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'));

test('what both rankings hold comes before what one holds at the same places', () => {
  expect(
    fuseRankings([
      ['a', 'b', 'c'],
      ['c', 'd', 'a'],
    ]),
  ).toEqual(['a', 'c', 'b', 'd']);
  expect(fuseRankings([[], ['x', 'y']])).toEqual(['x', 'y']);
  expect(fuseRankings([])).toEqual([]);
});

test('every id comes once; the order of the rankings does not matter; being ranked higher never hurts', () => {
  fc.assert(
    fc.property(ranking, ranking, (one, other) => {
      const fused = fuseRankings([one, other]);
      expect([...fused].sort()).toEqual([...new Set([...one, ...other])].sort());
      expect(fuseRankings([other, one])).toEqual(fused);
      for (const [rank, id] of one.entries()) {
        const above = one[rank - 1];
        if (!above) continue;
        const swapped = one.with(rank - 1, id).with(rank, above);
        expect(fuseRankings([swapped, other]).indexOf(id)).toBeLessThanOrEqual(fused.indexOf(id));
      }
    }),
  );
});

const hits = fc.array(
  fc.record({ documentId: fc.constantFrom('a', 'b', 'c'), source: fc.constantFrom('s', 't') }),
);

test('caps leave out the later ones of a document and a source, and keep the order', () => {
  fc.assert(
    fc.property(
      hits,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 4 }),
      (all, topK, maxPerDocument, maxPerSource) => {
        const kept = capHits(all, { topK, maxPerDocument, maxPerSource }, (hit) => hit);
        expect(kept.length).toBeLessThanOrEqual(topK);
        expect(all.filter((hit) => kept.includes(hit))).toEqual(kept);
        const held = new Set(kept);
        const count = (name: 'documentId' | 'source', value: string, before: number): number =>
          all.slice(0, before).filter((hit) => held.has(hit) && hit[name] === value).length;
        // Left out: for a cap that was full by then, or because topK was.
        for (const [at, hit] of all.entries()) {
          if (held.has(hit)) continue;
          const full =
            count('documentId', hit.documentId, at) === maxPerDocument ||
            count('source', hit.source, at) === maxPerSource ||
            kept.length === topK;
          expect(full).toBe(true);
        }
      },
    ),
  );
});
