/** Which of several replicas is asked. The real ones are in test/pipelines/index-replicas.server.test.ts. */
import { expect, test } from 'vitest';
import { amongReplicas } from '../../../connectors/index-service/index-replicas.ts';
import type { IndexReplica } from '../../../connectors/index-service/index-service.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import type { SearchRequest, SearchResponse, SourceWatermark } from '../../../schemas/search.ts';
import { BEHIND, knownWatermark } from './known-watermark.ts';

type Behaviour = (request: SearchRequest) => 'answers' | 'index-unavailable' | 'stale' | 'request-invalid';

const replica = (name: string, asked: string[], behave: Behaviour): IndexReplica =>
  ({
    search: async (request: SearchRequest) => {
      asked.push(name);
      const outcome = behave(request);
      if (outcome !== 'answers') throw new FreshetError(outcome, name);
      return { hits: [], receipt: { index: name } } as unknown as SearchResponse;
    },
    notReady: async () => null,
    watermarks: async () => ({}),
  }) as unknown as IndexReplica;

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

interface Standing {
  notReady: string | null;
  shop: SourceWatermark | 'silent';
}

/** Two replicas that say of themselves what the test sets. */
const standing = (first: Standing, second: Standing) => {
  const looks: string[] = [];
  const clock = { ms: 0 };
  const one = (name: string, as: Standing): IndexReplica =>
    ({
      search: async () => ({ hits: [], receipt: { index: name } }) as unknown as SearchResponse,
      status: async () => ({ name, trouble: as.notReady, current: true }),
      notReady: async () => {
        looks.push(name);
        return as.notReady;
      },
      watermarks: async () => {
        if (as.shop === 'silent') throw new FreshetError('index-unavailable', name);
        return { shop: as.shop };
      },
    }) as unknown as IndexReplica;
  const index = amongReplicas([one('a', first), one('b', second)], () => clock.ms);
  const answering = async (): Promise<string> => {
    const answers: string[] = [];
    for (let at = 0; at < 6; at += 1) answers.push((await index.search(request)).receipt.index);
    return [...new Set(answers)].sort().join('');
  };
  return { looks, clock, index, answering };
};
/** What was looked at in the background of the last search is known to the next ones. */
const LOOKED_AGAIN_MS = 11_000;

test('one that reads the log anew, or whose disk is full, answers no search while another serves', async () => {
  const empty: Standing = { notReady: 'the index to catch up with the log', shop: BEHIND };
  const { clock, answering } = standing(empty, { notReady: null, shop: knownWatermark(20) });
  expect(await answering()).toBe('b');
  Object.assign(empty, { notReady: 'no space left on device', shop: knownWatermark(30) });
  clock.ms += LOOKED_AGAIN_MS;
  expect(await answering()).toBe('b');
  empty.notReady = null;
  clock.ms += LOOKED_AGAIN_MS;
  expect(await answering()).toBe('ab');
});

test('one that stands still without saying so is passed over; where none is fit the least behind answers', async () => {
  const other: Standing = { notReady: null, shop: knownWatermark(20) };
  const { clock, answering } = standing({ notReady: null, shop: knownWatermark(60_000) }, other);
  expect(await answering()).toBe('b');
  Object.assign(other, { notReady: 'the index to catch up with the log', shop: BEHIND });
  clock.ms += LOOKED_AGAIN_MS;
  expect(await answering()).toBe('a');
});

test('how they stand is looked at once in two seconds, however many searches there are', async () => {
  const fit: Standing = { notReady: null, shop: knownWatermark(20) };
  const { looks, clock, index } = standing(fit, fit);
  for (let at = 0; at < 1_000; at += 1) {
    await index.search(request);
    clock.ms += 10;
  }
  expect(looks).toHaveLength(2 * 5);
});

test('what is covered is what the one furthest behind covers, at every look', async () => {
  const { index } = standing(
    { notReady: null, shop: knownWatermark(20) },
    { notReady: null, shop: knownWatermark(60_000) },
  );
  for (let at = 0; at < 4; at += 1) expect((await index.watermarks()).shop?.stalenessMs).toBe(60_000);
});

test('one that answers no more grows older by what it said last; one that never did is unknown', async () => {
  const away: Standing = { notReady: null, shop: knownWatermark(20) };
  const { index, clock } = standing(away, { notReady: null, shop: knownWatermark(5) });
  await index.watermarks();
  away.shop = 'silent';
  clock.ms += 30_000;
  expect((await index.watermarks()).shop?.stalenessMs).toBe(30_020);
  const never = standing({ notReady: null, shop: 'silent' }, { notReady: null, shop: knownWatermark(5) });
  expect((await never.index.watermarks()).shop).toMatchObject({ state: 'unknown', reason: 'replica-silent' });
  const none = standing({ notReady: null, shop: 'silent' }, { notReady: null, shop: 'silent' });
  await expect(none.index.watermarks()).rejects.toMatchObject({ code: 'index-unavailable' });
});

test('the status is that of the one with trouble', async () => {
  const { index } = standing(
    { notReady: null, shop: knownWatermark(5) },
    { notReady: 'no space left on device', shop: knownWatermark(5) },
  );
  for (let at = 0; at < 4; at += 1) expect((await index.status()).name).toBe('b');
});

test('a read after a write waits at all at once: one that never is fresh holds up nothing, and is ended', async () => {
  let write = (): void => undefined;
  const written = new Promise<void>((resolve) => {
    write = resolve;
  });
  let ended = 0;
  let waiting = 0;
  const one = (name: string, becomesFresh: Promise<void>): IndexReplica =>
    ({
      search: async ({ freshness }: SearchRequest, signal?: AbortSignal) => {
        if (freshness?.waitMs === 0) throw new FreshetError('stale', name);
        waiting += 1;
        if (waiting === 2) write();
        const gone = new Promise<never>((_, reject) =>
          signal?.addEventListener('abort', () => {
            ended += 1;
            reject(new FreshetError('index-unavailable', `${name} was left`));
          }),
        );
        await Promise.race([becomesFresh, gone]);
        return { hits: [], receipt: { index: name } } as unknown as SearchResponse;
      },
      notReady: async () => null,
      watermarks: async () => ({}),
    }) as unknown as IndexReplica;
  const never = new Promise<void>(() => undefined);
  const index = amongReplicas([one('stuck', never), one('fresh', written)], () => 0);
  for (let at = 0; at < 4; at += 1) {
    waiting = 0;
    expect((await index.search(fresh)).receipt.index).toBe('fresh');
  }
  // The one that is left is ended each time, and is not taken for one that is away.
  await expect.poll(() => ended).toBeGreaterThanOrEqual(4);
});

test('whoever goes away takes no replica down with it', async () => {
  const asked: string[] = [];
  const one = (name: string): IndexReplica =>
    ({
      search: async (_: SearchRequest, signal?: AbortSignal) => {
        asked.push(name);
        if (signal?.aborted) throw new FreshetError('index-unavailable', 'aborted');
        return { hits: [], receipt: { index: name } } as unknown as SearchResponse;
      },
      notReady: async () => null,
      watermarks: async () => ({}),
    }) as unknown as IndexReplica;
  const index = amongReplicas([one('a'), one('b')], () => 0);
  await expect(index.search(request, AbortSignal.abort())).rejects.toMatchObject({
    code: 'index-unavailable',
  });
  expect(asked).toHaveLength(1);
  for (let at = 0; at < 2; at += 1) await index.search(request);
  expect([...asked.slice(1)].sort()).toEqual(['a', 'b']);
});
