import { expect, test } from 'vitest';
import { projectionStartOf } from '../../../pipelines/project-executions/projection-start.ts';
import { commitMetadataOf } from '../../../schemas/journal-position.ts';

const committed = { offset: 1_000, metadata: commitMetadataOf(10) };

test('it begins at the oldest unfinished execution, and not before the log does', () => {
  expect(projectionStartOf({ earliest: 0, latest: 1_000 }, committed)).toEqual({
    from: 10,
    projectedTo: 1_000,
  });
  expect(projectionStartOf({ earliest: 400, latest: 2_000 }, committed).from).toBe(400);
  expect(projectionStartOf({ earliest: 7, latest: 9 }, undefined)).toEqual({ from: 7, projectedTo: 7 });
});

test('a journal that ends before what was projected is read nowhere, however old the oldest unfinished execution is (fault 29)', () => {
  expect(projectionStartOf({ earliest: 0, latest: 200 }, committed).from).toBe(1_000);
});
