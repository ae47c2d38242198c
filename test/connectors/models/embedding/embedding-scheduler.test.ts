import { afterEach, expect, test } from 'vitest';
import { DEFAULT_BATCH_LIMITS } from '../../../../connectors/models/embedding/cut-batch.ts';
import { EmbeddingScheduler } from '../../../../connectors/models/embedding/embedding-scheduler.ts';
import { createEmbeddingThread } from '../../../../connectors/models/embedding/embedding-thread.ts';

const open: EmbeddingScheduler[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((scheduler) => scheduler.close()));
});

type Setting = {
  workers?: number;
  delayMs?: number;
  queueLimit?: number;
  timeoutMs?: number;
  failStart?: boolean;
};

/** A scheduler over real threads of faulty-worker.mjs; a text is its token id, `encoded` what left the callers. */
const openScheduler = (setting: Setting = {}) => {
  const shared = new SharedArrayBuffer(8);
  const encoded: number[] = [];
  const threads = Array.from({ length: setting.workers ?? 1 }, () =>
    createEmbeddingThread({
      workerUrl: new URL('./faulty-worker.mjs', import.meta.url),
      workerData: { delayMs: setting.delayMs ?? 0, failStart: setting.failStart ?? false, shared },
      timeoutMs: setting.timeoutMs ?? 10_000,
    }),
  );
  const scheduler = new EmbeddingScheduler({
    threads,
    encode: (text) => {
      encoded.push(Number(text));
      return Int32Array.of(Number(text), 0, 0);
    },
    limits: DEFAULT_BATCH_LIMITS,
    queueLimit: setting.queueLimit ?? 100,
  });
  open.push(scheduler);
  return { scheduler, encoded, batches: () => new Int32Array(shared)[1] };
};

const texts = (from: number, count: number) => Array.from({ length: count }, (_, n) => String(from + n));
const firsts = (vectors: readonly Float32Array[]) => vectors.map((vector) => vector[0]);

test('gives each caller its own vectors in its order', async () => {
  const { scheduler } = openScheduler({ workers: 2 });
  const answers = await Promise.all([10, 200, 3_000].map((from) => scheduler.embed(texts(from, 37))));
  expect(answers.map(firsts)).toEqual([10, 200, 3_000].map((from) => texts(from, 37).map(Number)));
  expect(await scheduler.embed([])).toEqual([]);
});

test('a text at rest goes alone; what comes while the worker is busy goes together', async () => {
  const { scheduler } = openScheduler({ delayMs: 50 });
  const first = scheduler.embed(['10']);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const rest = Promise.all([11, 12, 13].map((id) => scheduler.embed([String(id)])));
  expect((await first)[0]?.[1]).toBe(1);
  expect((await rest).map((vectors) => vectors[0]?.[1])).toEqual([3, 3, 3]);
});

test('texts asked for in the same turn share a batch', async () => {
  const { scheduler, batches } = openScheduler();
  await Promise.all([11, 12, 13].map((id) => scheduler.embed([String(id)])));
  expect(batches()).toBe(1);
});

test('the queue is bounded, and a caller of one text does not wait behind a caller of hundreds', async () => {
  const { scheduler, encoded } = openScheduler({ delayMs: 30, queueLimit: 20 });
  const large = scheduler.embed(texts(1_000, 500));
  await Promise.resolve();
  // The queue, the batch under way and the one handed over ahead.
  expect(encoded.length).toBeLessThanOrEqual(20 + 2 * DEFAULT_BATCH_LIMITS.maxTexts);
  let largeDone = false;
  void large.then(() => {
    largeDone = true;
  });
  expect(firsts(await scheduler.embed(['10']))).toEqual([10]);
  expect(largeDone).toBe(false);
  expect(encoded.length).toBeLessThan(150);
  expect(await large).toHaveLength(500);
});

test('a worker that exits once costs nothing but time', async () => {
  const { scheduler } = openScheduler();
  expect(firsts(await scheduler.embed(['4', '10']))).toEqual([4, 10]);
});

test.each([
  ['exits', '1', 'code 3'],
  ['throws', '2', 'bad batch'],
])('a worker that %s twice rejects its batch, and the next batch is served', async (_, poison, reason) => {
  const { scheduler, batches } = openScheduler();
  await expect(scheduler.embed([poison])).rejects.toMatchObject({
    code: 'model-failed',
    message: expect.stringContaining(reason),
  });
  expect(batches()).toBe(2);
  expect(firsts(await scheduler.embed(['10']))).toEqual([10]);
});

test('a worker that hangs is ended at the timeout', async () => {
  // Time for the next one to start on a slow machine.
  const { scheduler } = openScheduler({ timeoutMs: 1_000 });
  await expect(scheduler.embed(['3'])).rejects.toMatchObject({ code: 'model-failed' });
  expect(firsts(await scheduler.embed(['10']))).toEqual([10]);
});

test('a batch that lies with a worker behind one that fails twice is computed all the same', async () => {
  const { scheduler, batches } = openScheduler({ delayMs: 20 });
  const before = scheduler.embed(['10']);
  await Promise.resolve();
  // A batch of its own, handed over ahead as soon as more is queued than fits into it.
  const poisoned = scheduler.embed(Array.from({ length: DEFAULT_BATCH_LIMITS.maxTexts }, () => '1'));
  await Promise.resolve();
  const others = texts(1_000, 40).map((text) => scheduler.embed([text]));
  await expect(poisoned).rejects.toMatchObject({ code: 'model-failed' });
  expect(firsts(await before)).toEqual([10]);
  expect((await Promise.all(others)).flatMap(firsts)).toEqual(texts(1_000, 40).map(Number));
  expect(batches()).toBe(1 + 2 + 3);
});

test('a failed batch drops the rest of its caller and leaves others alone', async () => {
  const { scheduler, encoded } = openScheduler({ queueLimit: 4 });
  const poisoned = scheduler.embed(['1', ...texts(1_000, 300)]);
  await expect(poisoned).rejects.toMatchObject({ code: 'model-failed' });
  expect(encoded.length).toBeLessThan(50);
  expect(firsts(await scheduler.embed(['10', '11']))).toEqual([10, 11]);
});

test('a worker that cannot start rejects instead of trying for ever', async () => {
  const { scheduler } = openScheduler({ failStart: true });
  await expect(scheduler.embed(['10'])).rejects.toMatchObject({ code: 'model-failed' });
});

test('closing rejects who waits, in the worker and in the queue', async () => {
  const { scheduler } = openScheduler({ delayMs: 5_000 });
  const running = scheduler.embed(['10']);
  await new Promise((resolve) => setTimeout(resolve, 100));
  const queued = scheduler.embed(['11']);
  const outcomes = Promise.allSettled([running, queued, scheduler.close()]);
  expect((await outcomes).map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'fulfilled']);
  await expect(scheduler.embed(['12'])).rejects.toMatchObject({ code: 'model-failed' });
});
