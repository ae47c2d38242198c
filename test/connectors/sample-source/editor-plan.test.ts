import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CHANGE_KINDS,
  nextLongDocumentShape,
  planChange,
} from '../../../connectors/sample-source/editor-plan.ts';
import { longDocument, shapeOfLongDocument } from '../../../connectors/sample-source/long-document.ts';

test('rows stay between floor and ceiling, wherever they start in between', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 40 }),
      (seed, floor, room) => {
        let rows = floor;
        for (let step = 0; step < 500; step += 1) {
          const { kind } = planChange(seed, step, rows, { floor, ceiling: floor + room });
          if (kind === 'insert') rows += 1;
          if (kind === 'delete') rows -= 1;
          expect(rows).toBeGreaterThanOrEqual(floor);
          expect(rows).toBeLessThanOrEqual(floor + room);
        }
      },
    ),
    { numRuns: 50 },
  );
});

test('every kind of change comes up, and a step is the same each time', () => {
  const limits = { floor: 0, ceiling: 1_000 };
  const kinds = Array.from({ length: 1_000 }, (_, step) => planChange(5, step, 500, limits).kind);
  for (const kind of CHANGE_KINDS) expect(kinds.filter((other) => other === kind).length).toBeGreaterThan(20);
  expect(planChange(5, 77, 500, limits)).toEqual(planChange(5, 77, 500, limits));
});

test('the long document reaches one page and twelve and never goes beyond', () => {
  const seen = new Set<number>();
  let shape = { newest: 2, pages: 2 };
  for (let step = 0; step < 3_000; step += 1) {
    const next = nextLongDocumentShape(9, step, shape);
    expect(next.pages).not.toBe(shape.pages);
    shape = next;
    seen.add(shape.pages);
  }
  expect([...seen].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
});

test('the long document tells its shape, and its pages read the same as long as they are there', () => {
  const shape = { newest: 20, pages: 12 };
  const text = longDocument(4, shape);
  expect(shapeOfLongDocument(text)).toEqual(shape);
  expect(text.split(/\s+/).length).toBeGreaterThan(3_600);
  expect(text).toContain(longDocument(4, { newest: 18, pages: 3 }));
});
