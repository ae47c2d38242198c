import { expect, test } from 'vitest';
import { checkVector } from '../../../../connectors/models/embedding/check-vector.ts';

test('a sound vector has no fault', () => {
  expect(checkVector(Float32Array.of(0, 0.5, -1), 3)).toBeNull();
});

test('each fault has its name', () => {
  expect(checkVector(Float32Array.of(1, 2), 3)).toBe('wrong-dimensions');
  expect(checkVector(new Float32Array(0), 0)).toBe('zero-norm');
  expect(checkVector(Float32Array.of(1, Number.NaN, 0), 3)).toBe('not-finite');
  expect(checkVector(Float32Array.of(1, Number.POSITIVE_INFINITY, 0), 3)).toBe('not-finite');
  expect(checkVector(new Float32Array(3), 3)).toBe('zero-norm');
});
