import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkVector } from '../../../connectors/models/embedding/check-vector.ts';
import type { Draft } from '../../../pipelines/index-documents/draft.ts';
import { gateDraft, gateRecord, gateVectors } from '../../../pipelines/index-documents/gates.ts';

const limits = { maxTextCharacters: 20, maxRecordBytes: 1_000 };
const draft: Draft = { title: 'Title', text: 'A text.', tenant: 'acme', metadata: { kind: 'a' } };

test('a document with text and tenant passes', () => {
  expect(gateDraft(draft, limits)).toBeNull();
  expect(gateDraft({ ...draft, text: 'x'.repeat(20), title: '' }, limits)).toBeNull();
  expect(gateDraft({ ...draft, text: 'a pair 🔑' }, limits)).toBeNull();
});

test.each([
  ['no tenant', { tenant: '' }, 'schema', 'no-tenant'],
  ['no text', { text: '' }, 'empty', 'no-text'],
  ['white space alone', { text: ' \n\t ' }, 'empty', 'no-text'],
  ['one character too many', { text: 'x'.repeat(21) }, 'too-long', 'too-many-characters'],
  ['half of a pair in the text', { text: 'cut \ud83d' }, 'schema', 'bad-text'],
  ['half of a pair in the title', { title: '\udd11' }, 'schema', 'bad-text'],
  ['half of a pair in the tenant', { tenant: 'a\ud83d' }, 'schema', 'bad-text'],
  ['half of a pair in the metadata', { metadata: { summary: 'cut \ud83d' } }, 'schema', 'bad-text'],
])('refused: %s', (_, fields, gate, reason) => {
  expect(gateDraft({ ...draft, ...fields }, limits)).toMatchObject({ gate, reason });
});

test('what a refusal says holds nothing of the text', () => {
  const text = 'secret'.repeat(10);
  expect(JSON.stringify(gateDraft({ ...draft, text }, limits))).not.toContain('secret');
});

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
  expect(gateRecord(1_000, limits)).toBeNull();
  expect(gateRecord(1_001, limits)).toMatchObject({ gate: 'record-too-large', reason: 'too-many-bytes' });
});
