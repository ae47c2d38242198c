import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkVector } from '../../../connectors/models/embedding/check-vector.ts';
import { gateRecord, gateVectors } from '../../../pipelines/gates/record-gates.ts';

test.each([
  ['too short', new Float32Array(3), 'wrong-dimensions'],
  ['not a number', Float32Array.of(1, Number.NaN, 0, 0), 'not-finite'],
  ['infinite', Float32Array.of(1, Number.POSITIVE_INFINITY, 0, 0), 'not-finite'],
  ['zero', new Float32Array(4), 'zero-norm'],
])('one unfit vector refuses the document: %s', (_, vector, reason) => {
  const fit = Float32Array.of(1, 0, 0, 0);
  expect(gateVectors([fit, vector, fit], 4, checkVector)).toMatchObject({ gate: 'embedding', reason });
});

test('finite vectors of the right size with a length pass', () => {
  const vector = fc
    .float32Array({ minLength: 4, maxLength: 4, noNaN: true, noDefaultInfinity: true })
    .filter((each) => each.some((component) => Math.abs(component) > 1e-18));
  fc.assert(
    fc.property(fc.array(vector), (vectors) => {
      expect(gateVectors(vectors, 4, checkVector)).toBeNull();
    }),
  );
});

test('a record passes up to its limit', () => {
  const limits = { maxRecordBytes: 1_000 };
  expect(gateRecord(1_000, limits)).toBeNull();
  expect(gateRecord(1_001, limits)).toMatchObject({ gate: 'length', reason: 'too-many-bytes' });
});
