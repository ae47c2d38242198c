import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BatchQueueSettings, createBatchQueue } from '../../pipelines/batch-queue.ts';
import { ofAtMost } from '../../pipelines/batch-size.ts';

const queue = (settings: Partial<BatchQueueSettings<number>>) => {
  const batches: (readonly number[])[] = [];
  const told: string[] = [];
  const made = createBatchQueue<number>({
    batch: ofAtMost(4),
    maxBatchBytes: 1_000,
    highWater: 10,
    highWaterBytes: 1_000,
    bytesOf: () => 1,
    process: async (batch) => void batches.push(batch),
    onFull: () => told.push('full'),
    onDrained: () => told.push('drained'),
    onRetry: (error, attempt) => told.push(`${error.message} ${attempt}`),
    ...settings,
  });
  return { ...made, batches, told };
};
const until = async (holds: () => boolean): Promise<void> => {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('never came');
    await sleep(1);
  }
};
/** A gate that lets one batch through at a time. */
const turnstile = () => {
  const waiting: (() => void)[] = [];
  return {
    pass: () => new Promise<void>((resolve) => waiting.push(resolve)),
    open: () => waiting.shift()?.(),
  };
};

test('everything comes once, in order, in batches no larger than allowed, whatever the pushes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(9), { maxLength: 12 }), async (sizes) => {
      const total = sizes.reduce((sum, size) => sum + size, 0);
      const seen: number[] = [];
      const { push, batches } = queue({
        process: async (batch) => {
          await sleep(0);
          seen.push(...batch);
        },
      });
      let next = 0;
      for (const size of sizes) {
        push(Array.from({ length: size }, () => next++));
        if (size % 2 === 0) await sleep(0);
      }
      await until(() => seen.length === total);
      expect(seen).toEqual(Array.from({ length: total }, (_, at) => at));
      for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(4);
    }),
    { numRuns: 50 },
  );
});

test('one at rest is taken at once; what comes meanwhile goes together', async () => {
  const gate = turnstile();
  const batches: number[][] = [];
  const { push } = queue({
    process: async (batch) => {
      batches.push([...batch]);
      await gate.pass();
    },
  });
  push([1]);
  expect(batches).toEqual([[1]]);
  push([2]);
  push([3]);
  gate.open();
  await until(() => batches.length === 2);
  expect(batches[1]).toEqual([2, 3]);
});

test('a batch that fails is tried again, whole and before the next, until it passes', async () => {
  const tries: number[][] = [];
  let failures = 3;
  const { push, told } = queue({
    process: async (batch) => {
      tries.push([...batch]);
      if (failures-- > 0) throw new Error('away');
    },
  });
  push([1, 2]);
  push([3]);
  await until(() => tries.length === 5);
  expect(tries).toEqual([[1, 2], [1, 2], [1, 2], [1, 2], [3]]);
  expect(told).toEqual(['away 1', 'away 2', 'away 3']);
});

test('over its limit it says so once, and once more at half of it', async () => {
  const gate = turnstile();
  const { push, told, waiting } = queue({ process: gate.pass });
  push([0]);
  push(Array.from({ length: 10 }, (_, at) => at));
  expect(told).toEqual([]);
  push([11]);
  push([12]);
  expect(told).toEqual(['full']);
  expect(waiting()).toBe(12);
  for (let round = 0; round < 2; round += 1) {
    gate.open();
    await sleep(1);
  }
  expect(waiting()).toBe(4);
  expect(told).toEqual(['full', 'drained']);
});

test('stop finishes the batch under way and drops the rest', async () => {
  const gate = turnstile();
  const done: number[] = [];
  const { push, stop } = queue({
    process: async (batch) => {
      await gate.pass();
      done.push(...batch);
    },
  });
  push([1]);
  push([2, 3]);
  const stopped = stop();
  push([4]);
  gate.open();
  await stopped;
  expect(done).toEqual([1]);
});

test('stop ends a batch that keeps failing; abandon ends it without waiting for its pause', async () => {
  const failing = { process: () => Promise.reject(new Error('away')) };
  const stopping = queue(failing);
  stopping.push([1]);
  await until(() => stopping.told.length > 0);
  await stopping.stop();
  const abandoned = queue(failing);
  abandoned.push([1]);
  await until(() => abandoned.told.length >= 3);
  const tries = abandoned.told.length;
  abandoned.abandon();
  await abandoned.stop();
  expect(abandoned.told.length).toBe(tries);
});

test('abandon tells the batch under way', async () => {
  let aborted = false;
  const { push, abandon } = queue({
    process: (_, signal) =>
      new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => {
          aborted = true;
          resolve();
        }),
      ),
  });
  push([1]);
  abandon();
  await until(() => aborted);
});

test('few large items fill it as many small ones do, and a batch ends before its bytes do', async () => {
  const gate = turnstile();
  const batches: number[][] = [];
  const { push, told, waitingBytes } = queue({
    bytesOf: (size) => size,
    maxBatchBytes: 100,
    highWaterBytes: 200,
    process: async (batch) => {
      batches.push([...batch]);
      await gate.pass();
    },
  });
  push([90]);
  push([60, 40, 1, 500, 3]);
  expect(told).toEqual(['full']);
  expect(waitingBytes()).toBe(604);
  for (const expected of [[90], [60, 40], [1], [500], [3]]) {
    await until(() => batches.length > 0);
    expect(batches.shift()).toEqual(expected);
    gate.open();
  }
  // Drained when what waits is half of what it may be: not before the large one was taken.
  expect(told).toEqual(['full', 'drained']);
  expect(waitingBytes()).toBe(0);
});
