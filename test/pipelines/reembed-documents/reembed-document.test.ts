import { expect, test } from 'vitest';
import { bytesOfVector } from '../../../connectors/vector-index/vector-codec.ts';
import { createPace } from '../../../pipelines/reembed-documents/pace.ts';
import { documentUnder, planDocument } from '../../../pipelines/reembed-documents/reembed-document.ts';
import type { Document } from '../../../schemas/records.ts';
import { recordOf } from '../document-histories.ts';

const MODEL = { id: 'new@2', dimensions: 2 };
const LIMITS = { maxTokens: 20, overlapTokens: 0, countTokens: (text: string) => text.split(/\s+/).length };
const vector = Float32Array.of(0.6, 0.8);
const record: Document = {
  ...recordOf({ kind: 'document', table: 'public.a', key: 1 }, 3),
  title: 'Returns',
  text: 'Goods come back within thirty days.',
  model: 'old@1',
  chunks: [{ hash: 'old', start: 0, end: 35, vector: bytesOfVector(Float32Array.of(1, 0, 0)) }],
};
const made = (
  made: Float32Array | undefined,
): { readonly under: Document; readonly plan: ReturnType<typeof planDocument> } => {
  const plan = planDocument(record, undefined, MODEL, LIMITS);
  const vectors = new Map(plan.chunks.flatMap(({ hash }) => (made ? [[hash, made] as const] : [])));
  return { plan, under: documentUnder(plan, MODEL, vectors) };
};

test('text, tenant, version and timing stay; model, chunks and vectors are the new one', () => {
  const { under } = made(vector);
  const { model: _, chunks: __, ...kept } = record;
  expect(under).toMatchObject(kept);
  expect(under.model).toBe(MODEL.id);
  expect(under.chunks.map(({ vector: bytes }) => bytes)).toEqual([bytesOfVector(vector)]);
  expect(under.chunks[0]?.hash).not.toBe('old');
});

test('a chunk whose vector the last record under this model holds is not embedded again', () => {
  const { under } = made(vector);
  const again = planDocument(record, under, MODEL, LIMITS);
  expect([...again.known.keys()]).toEqual(again.chunks.map(({ hash }) => hash));
  expect(documentUnder(again, MODEL, new Map())).toEqual(under);
  expect(planDocument(record, { ...under, model: 'old@1' }, MODEL, LIMITS).known.size).toBe(0);
});

test.each([
  ['of another size', Float32Array.of(1, 0, 0)],
  ['that is no number', Float32Array.of(Number.NaN, 1)],
  ['that did not come', undefined],
])('a vector %s makes a marker of the same version, never a document', (_, wrong) => {
  const { under } = made(wrong);
  expect(under).toMatchObject({ kind: 'refused', version: record.version, text: '', chunks: [] });
  expect(under.reason).toMatch(/^embedding: /);
});

test('markers go on as they are', () => {
  const marker = recordOf({ kind: 'deleted', table: 'public.a', key: 1 }, 4);
  expect(documentUnder(planDocument(marker, undefined, MODEL, LIMITS), MODEL, new Map())).toBe(marker);
});

test('a pace is kept by all who take from it, and nothing is owed for a time without work', () => {
  const pace = createPace(() => 100);
  expect(pace.take(10, 1_000)).toBe(0);
  expect(pace.take(10, 1_000)).toBe(100);
  expect(pace.take(10, 1_050)).toBe(150);
  expect(pace.take(10, 9_000)).toBe(0);
});
