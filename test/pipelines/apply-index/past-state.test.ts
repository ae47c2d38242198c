/** Time travel: what stood at a time, folded from a log in whatever order and however often records come. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOfVector } from '../../../connectors/vector-index/vector-codec.ts';
import { createPastState } from '../../../pipelines/apply-index/past-state.ts';
import { pastHitOf } from '../../../pipelines/apply-index/search-past.ts';
import type { Document } from '../../../schemas/records.ts';
import { deliveries, history, recordOf, truthOf } from '../document-histories.ts';

const vector = Float32Array.of(1, 0);
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
      const state = createPastState({ vector, space: 'acme', tags: [], model: 'm' });
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
    const state = createPastState({ vector, space: 'acme', tags: [], model: 'm', ...question });
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
