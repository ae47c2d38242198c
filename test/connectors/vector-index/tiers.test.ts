/** The index against a plain map, through any order of writes, removals and builds that succeed or fail. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Tiers } from '../../../connectors/vector-index/tiers.ts';
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
    arbitrary: fc.record({ what: fc.constantFrom('freeze' as const, 'advance' as const, 'thaw' as const) }),
  },
);

it('holds what a set would hold, each row in one place, whatever builds do meanwhile', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      const model = new Set<string>();
      const tiers = new Tiers();
      let graph = new Set<string>();
      let next: Set<string> | undefined;
      for (const step of commands) {
        if (step.what === 'upsert') {
          if (!tiers.has(step.id, graph.has(step.id))) tiers.add(rowOf(step.id));
          model.add(step.id);
        } else if (step.what === 'remove') {
          if (tiers.has(step.id, graph.has(step.id))) tiers.remove(step.id, graph.has(step.id));
          model.delete(step.id);
        } else if (step.what === 'freeze' && next === undefined) {
          const { rows, removed } = tiers.freeze();
          next = new Set([...graph].filter((id) => !removed.includes(id)));
          // What buildGraph relies on: removals are of the graph, new rows are not in what is left of it.
          expect(removed.every((id) => graph.has(id))).toBe(true);
          for (const { id } of rows) {
            expect(next.has(id)).toBe(false);
            next.add(id);
          }
        } else if (step.what === 'advance' && next !== undefined) {
          tiers.advance();
          graph = next;
          next = undefined;
        } else if (step.what === 'thaw' && next !== undefined) {
          tiers.thaw();
          next = undefined;
        }
        const visible = [...graph].filter((id) => !tiers.hidden.has(id));
        expect([...visible, ...tiers.ids()].sort()).toEqual([...model].sort());
        expect(graph.size - tiers.hidden.size + tiers.size).toBe(model.size);
        for (const id of 'abcdef') expect(tiers.has(id, graph.has(id))).toBe(model.has(id));
        const found = tiers.query({ vector: Float32Array.of(1, 0), topK: 9, tenant: 't', tags: [] });
        expect(found.map(({ id }) => id).sort()).toEqual([...tiers.ids()].sort());
      }
    }),
    { numRuns: 500 },
  );
});
