import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VectorMemory } from '../../../connectors/vector-index/vector-memory.ts';

const dot = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, part, at) => sum + part * (b[at] ?? 0), 0);
const vectorsOf = (dimensions: number) =>
  fc.float32Array({ minLength: dimensions, maxLength: dimensions, min: -1, max: 1, noNaN: true });

test('scores as a loop does, whatever the size, with slots freed and used again', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }).chain((dimensions) =>
        fc.record({
          query: vectorsOf(dimensions),
          steps: fc.array(fc.record({ vector: vectorsOf(dimensions), frees: fc.boolean() }), {
            maxLength: 30,
          }),
        }),
      ),
      ({ query, steps }) => {
        const memory = new VectorMemory(query.length);
        const held = new Map<number, Float32Array>();
        for (const { vector, frees } of steps) {
          const [first] = held.keys();
          if (frees && first !== undefined) {
            memory.free(first);
            held.delete(first);
          }
          const slot = memory.add(vector);
          expect(held.has(slot)).toBe(false);
          held.set(slot, vector);
        }
        memory.ask(query);
        for (const [slot, vector] of held) {
          expect(memory.score(slot)).toBeCloseTo(dot(query, vector), 4);
          expect([...memory.vector(slot)]).toEqual([...vector]);
        }
      },
    ),
  );
});

test('grows to many vectors and keeps each', () => {
  const memory = new VectorMemory(384);
  const slots = Array.from({ length: 2_000 }, (_, at) => memory.add(new Float32Array(384).fill(at / 1_000)));
  memory.ask(new Float32Array(384).fill(1));
  for (const [at, slot] of slots.entries()) expect(memory.score(slot)).toBeCloseTo(0.384 * at, 1);
});
