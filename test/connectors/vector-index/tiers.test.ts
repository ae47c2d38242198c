/** The index against a plain map, through any order of writes, removals and builds that succeed or fail. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { LEVELS, type Level, replacedBy, Tiers } from '../../../connectors/vector-index/tiers.ts';
import type { HashedRow } from '../../../connectors/vector-index/zvec-rows.ts';

const rowOf = (id: string): HashedRow => ({ id, vector: Float32Array.of(1, 0), tenant: 't', tags: [] });

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ what: fc.constant('upsert' as const), id: fc.constantFrom(...'abcdef') }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ what: fc.constant('remove' as const), id: fc.constantFrom(...'abcdef') }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('freeze' as const), into: fc.constantFrom(...LEVELS) }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constantFrom('advance' as const, 'thaw' as const) }) },
);

it('holds what a set would hold, each row in one place, whatever builds do meanwhile', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const model = new Set<string>();
      const tiers = new Tiers();
      let graphs: Record<Level, ReadonlySet<string>> = { large: new Set(), small: new Set() };
      let next: { readonly into: Level; readonly ids: Set<string>; readonly noted: string[] } | undefined;
      const levelsOf = (id: string): readonly Level[] => LEVELS.filter((level) => graphs[level].has(id));
      for (const step of commands) {
        if (step.what === 'upsert') {
          if (!tiers.has(step.id, levelsOf(step.id))) tiers.add(rowOf(step.id));
          model.add(step.id);
        } else if (step.what === 'remove') {
          const levels = levelsOf(step.id);
          if (tiers.isVisibleInNext(step.id, levels)) next?.noted.push(step.id);
          if (tiers.has(step.id, levels)) tiers.remove(step.id, levels);
          model.delete(step.id);
        } else if (step.what === 'freeze' && next === undefined) {
          const { rows, dropped } = tiers.freeze(step.into);
          const ids = new Set<string>();
          for (const level of replacedBy(step.into)) {
            // What buildGraph relies on: removals are of the graph, rows that go in are not in what is left of the others.
            expect([...dropped[level]].every((id) => graphs[level].has(id))).toBe(true);
            for (const id of graphs[level]) {
              if (dropped[level].has(id)) continue;
              expect(ids.has(id)).toBe(false);
              ids.add(id);
            }
          }
          for (const { id } of rows) {
            expect(ids.has(id)).toBe(false);
            ids.add(id);
          }
          next = { into: step.into, ids, noted: [] };
        } else if (step.what === 'advance' && next !== undefined) {
          tiers.advance();
          // What is noted on disk, once each: nothing else tells of it at the next opening.
          expect([...tiers.hidden[next.into]]).toEqual(next.noted);
          graphs =
            next.into === 'large' ? { large: next.ids, small: new Set() } : { ...graphs, small: next.ids };
          next = undefined;
        } else if (step.what === 'thaw' && next !== undefined) {
          tiers.thaw();
          next = undefined;
        }
        const visible = LEVELS.flatMap((level) =>
          [...graphs[level]].filter((id) => !tiers.hidden[level].has(id)),
        );
        expect([...visible, ...tiers.ids()].sort()).toEqual([...model].sort());
        for (const level of LEVELS) {
          // Counting relies on it.
          expect([...tiers.hidden[level]].every((id) => graphs[level].has(id))).toBe(true);
        }
        for (const id of 'abcdef') expect(tiers.has(id, levelsOf(id))).toBe(model.has(id));
        const found = tiers.query({ vector: Float32Array.of(1, 0), topK: 9, tenant: 't', tags: [] });
        expect(found.map(({ id }) => id).sort()).toEqual([...tiers.ids()].sort());
      }
    }),
    { numRuns: 1_000 },
  );
});

it('freezes nothing on top of what is frozen, which would be forgotten', () => {
  const tiers = new Tiers();
  tiers.add(rowOf('a'));
  tiers.freeze('large');
  tiers.add(rowOf('b'));
  expect(() => tiers.freeze('small')).toThrow('already');
  tiers.thaw();
  expect([...tiers.ids()].sort()).toEqual(['a', 'b']);
});
