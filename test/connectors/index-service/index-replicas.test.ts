/** Which of several replicas is asked. The real ones are in test/pipelines/index-replicas.server.test.ts. */
import { expect, test } from 'vitest';
import { amongReplicas } from '../../../connectors/index-service/index-replicas.ts';
import type { IndexService } from '../../../connectors/index-service/index-service.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import type { SearchRequest, SearchResponse } from '../../../schemas/search.ts';

type Behaviour = (request: SearchRequest) => 'answers' | 'index-unavailable' | 'stale' | 'request-invalid';

const replica = (name: string, asked: string[], behave: Behaviour): IndexService =>
  ({
    search: async (request: SearchRequest) => {
      asked.push(name);
      const outcome = behave(request);
      if (outcome !== 'answers') throw new FreshetError(outcome, name);
      return { hits: [], receipt: { index: name } } as unknown as SearchResponse;
    },
  }) as unknown as IndexService;

const request: SearchRequest = { query: 'q', tenant: 't', topK: 1 };
const fresh: SearchRequest = { ...request, freshness: { maxStalenessMs: 1, waitMs: 500 } };

const pair = (one: Behaviour, other: Behaviour, now = () => 0) => {
  const asked: string[] = [];
  return { asked, index: amongReplicas([replica('a', asked, one), replica('b', asked, other)], now) };
};

test('searches go round', async () => {
  const { asked, index } = pair(
    () => 'answers',
    () => 'answers',
  );
  for (let at = 0; at < 4; at += 1) await index.search(request);
  expect([...asked].sort()).toEqual(['a', 'a', 'b', 'b']);
});

test('one that does not answer is left alone for a second, then tried again', async () => {
  let time = 0;
  const { asked, index } = pair(
    () => (time < 2_000 ? 'index-unavailable' : 'answers'),
    () => 'answers',
    () => time,
  );
  for (let at = 0; at < 6; at += 1) expect((await index.search(request)).receipt.index).toBe('b');
  expect(asked.filter((name) => name === 'a')).toHaveLength(1);
  time = 2_500;
  await index.search(request);
  await index.search(request);
  expect(asked.slice(-2).sort()).toEqual(['a', 'b']);
});

test('what is asked for fresh goes to one that is, without waiting at the other', async () => {
  const { index } = pair(
    () => 'stale',
    ({ freshness }) => (freshness?.waitMs === 0 ? 'answers' : 'stale'),
  );
  for (let at = 0; at < 3; at += 1) expect((await index.search(fresh)).receipt.index).toBe('b');
});

test('where none is fresh enough it waits, and says stale in the end, though another is away', async () => {
  const waited = pair(
    ({ freshness }) => (freshness?.waitMs === 0 ? 'stale' : 'answers'),
    () => 'index-unavailable',
  );
  expect((await waited.index.search(fresh)).receipt.index).toBe('a');
  const never = pair(
    () => 'stale',
    () => 'index-unavailable',
  );
  await expect(never.index.search(fresh)).rejects.toMatchObject({ code: 'stale' });
});

test('a request that is wrong is wrong everywhere; when all are away it says so', async () => {
  const wrong = pair(
    () => 'request-invalid',
    () => 'request-invalid',
  );
  await expect(wrong.index.search(request)).rejects.toMatchObject({ code: 'request-invalid' });
  expect(wrong.asked).toHaveLength(1);
  const away = pair(
    () => 'index-unavailable',
    () => 'index-unavailable',
  );
  await expect(away.index.search(request)).rejects.toMatchObject({ code: 'index-unavailable' });
});
