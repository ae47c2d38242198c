/** Time travel: what stood at a time, folded from a log in whatever order and however often records come. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOfVector } from '../../../connectors/vector-index/vector-codec.ts';
import { capHits } from '../../../pipelines/apply-index/fuse-hits.ts';
import { createPastState } from '../../../pipelines/apply-index/past-state.ts';
import { pastHitOf } from '../../../pipelines/apply-index/search-past.ts';
import type { Document } from '../../../schemas/records.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { deliveries, history, recordOf, truthOf } from '../document-histories.ts';

const vector = Float32Array.of(1, 0);
const most = { ofDocument: 3, ofSource: 100 };
const withChunk = (record: Document): Document =>
  record.kind === 'document'
    ? {
        ...record,
        model: 'm',
        chunks: [{ hash: record.version, start: 0, end: 4, vector: bytesOfVector(vector) }],
      }
    : record;

const logs = history.chain((events) => deliveries(events).map((log) => ({ events, log })));

test('what is found stood, and everything that stood is found', () => {
  fc.assert(
    fc.property(logs, fc.nat(), ({ log }, cut) => {
      // A time is a place in the log, wherever it falls.
      const prefix = log.slice(0, cut % (log.length + 1)).map(withChunk);
      const state = createPastState({ vector, space: 'acme', tags: [], model: 'm', most });
      for (const [offset, record] of prefix.entries()) state.take(record, 0, offset);
      const found = state.hits().map(({ documentId, offset }) => [documentId, prefix[offset]?.version]);
      const stood = Object.entries(truthOf(prefix))
        .filter(([, text]) => text.startsWith('document '))
        .map(([id, text]) => [id, text.split(' ')[1]]);
      expect(found.sort()).toEqual(stood.sort());
    }),
  );
});

test('of other tenants, models and tags nothing is found, and they still hide what was before', () => {
  const [old, moved] = [0, 1].map((at) =>
    withChunk(recordOf({ kind: 'document', table: 'public.a', key: 1 }, at)),
  );
  if (!old || !moved) throw new Error('no records');
  const ask = (question: object) => {
    const state = createPastState({ vector, space: 'acme', tags: [], model: 'm', most, ...question });
    state.take(old, 0, 0);
    return state;
  };
  expect(ask({}).hits()).toHaveLength(1);
  expect(ask({ space: 'brim' }).hits()).toEqual([]);
  expect(ask({ model: 'other' }).hits()).toEqual([]);
  expect(ask({ tags: ['table=public.ab'] }).hits()).toEqual([]);
  const state = ask({});
  state.take({ ...moved, tenant: 'brim' }, 0, 1);
  expect(state.hits()).toEqual([]);
});

test('what is not kept could not have been answered', () => {
  const document = fc.record({
    source: fc.constantFrom('shop', 'help'),
    /** Of its chunks. */
    scores: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 }),
  });
  const limits = fc.record({
    topK: fc.integer({ min: 1, max: 4 }),
    maxPerDocument: fc.integer({ min: 1, max: 3 }),
    maxPerSource: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
  });
  fc.assert(
    fc.property(fc.array(document, { maxLength: 12 }), limits, (documents, asked) => {
      const hitsWith = (kept: { ofDocument: number; ofSource: number }) => {
        const state = createPastState({ vector, space: 'acme', tags: [], model: 'm', most: kept });
        for (const [key, { source, scores }] of documents.entries()) {
          const chunks = scores.map((score, at) => ({
            ...{ hash: `${key} ${at}`, start: 0, end: 1 },
            vector: bytesOfVector(Float32Array.of(score, 9 - score)),
          }));
          const record = recordOf({ kind: 'document', table: 'public.a', key }, key);
          state.take({ ...record, source, model: 'm', chunks }, 0, key);
        }
        return capHits(state.hits(), asked, (hit) => hit);
      };
      const all = Number.POSITIVE_INFINITY;
      expect(hitsWith({ ofDocument: asked.maxPerDocument, ofSource: asked.topK })).toEqual(
        hitsWith({ ofDocument: all, ofSource: all }),
      );
    }),
  );
});

test('of the documents of others no more than ids and versions is held', async () => {
  const held = (): number => {
    collectGarbage();
    return process.memoryUsage().heapUsed / 1e6;
  };
  const before = held();
  const state = createPastState({ vector, space: 'brim', tags: [], model: 'm', most });
  // Put together here, a string holds its parts as well.
  const asRead = (text: string): string => Buffer.from(text).toString('utf8');
  for (let key = 0; key < 50_000; key += 1) {
    const record = withChunk(recordOf({ kind: 'document', table: 'public.a', key }, key));
    const { documentId, version } = record;
    state.take({ ...record, documentId: asRead(documentId), version: asRead(version) }, 0, key);
  }
  await expect.poll(() => held() - before, { timeout: 20_000 }).toBeLessThan(14);
  expect(state.hits()).toEqual([]);
});

test('more documents than one search may hold are refused, and it is said what to do', () => {
  const mostDocuments = 2;
  const state = createPastState({ vector, space: 'acme', tags: [], model: 'm', most, mostDocuments });
  const take = (kind: 'document' | 'deleted' | 'floor', key: number, at: number): void =>
    state.take(withChunk(recordOf({ kind, table: 'public.a', key }, at)), 0, at);
  take('floor', 0, 0);
  for (const at of [1, 2, 3]) take('document', 1, at);
  take('deleted', 2, 4);
  expect(state.hits().map(({ offset }) => offset)).toEqual([3]);
  expect(() => take('document', 3, 5)).toThrow(
    expect.objectContaining({
      code: 'request-too-large',
      message: expect.stringContaining('more than 2 documents'),
    }),
  );
});

test('a hit of the past says what gates saw in it, and that a refusal stood behind it', () => {
  const record = withChunk(recordOf({ kind: 'document', table: 'public.a', key: 1 }, 5));
  const hit = { chunk: 0, score: 0.5 };
  expect(pastHitOf(record, hit, 9_000)).toMatchObject({ version: record.version, model: 'm', score: 0.5 });
  expect(pastHitOf(record, hit, 9_000)).not.toHaveProperty('stale');
  const stale = { version: '0001-good', committedAt: 2_000_000, since: 3_000_000 };
  const kept: Document = {
    ...record,
    ...{ kind: 'refused', reason: 'secrets: token', flags: ['instructions: encoded'], stale },
  };
  expect(pastHitOf(kept, hit, 9_000)).toMatchObject({
    ...{ version: '0001-good', ageMs: 7_000, flags: ['instructions: encoded'] },
    stale: { since: 3_000_000, reason: 'secrets: token' },
  });
});
