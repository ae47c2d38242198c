import { expect, test } from 'vitest';
import { EmbeddingCache } from '../../../../connectors/models/embedding/embedding-cache.ts';
import type { EmbeddingModel } from '../../../../connectors/models/embedding/embedding-model.ts';
import { createHashEmbeddingModel } from '../../../../connectors/models/embedding/hash-embedding-model.ts';

/** The hash model with a record of what reached it. */
const recordingModel = (failures = 0) => {
  const calls: (readonly string[])[] = [];
  const below = createHashEmbeddingModel();
  let left = failures;
  const model: EmbeddingModel = {
    ...below,
    embed: async (texts) => {
      calls.push(texts);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (left > 0) {
        left -= 1;
        throw new Error('the model is gone');
      }
      return below.embed(texts);
    },
  };
  return { model, calls };
};

test('equal text embeds once: in one call, while under way, and later', async () => {
  const { model, calls } = recordingModel();
  const cache = new EmbeddingCache({ model, maxBytes: 1_000_000 });
  const tenant = cache.forTenant('acme');
  const [first, second] = await Promise.all([tenant.embed(['a', 'b', 'a']), tenant.embed(['b', 'c'])]);
  const third = await tenant.embed(['c', 'a']);
  expect(calls.flat()).toEqual(['a', 'b', 'c']);
  expect(first[0]).toBe(first[2]);
  expect(second[0]).toBe(first[1]);
  expect(third).toEqual(await createHashEmbeddingModel().embed(['c', 'a']));
  expect(cache.counts).toEqual({ hits: 4, misses: 3, embedded: 3 });
});

test('tenants share nothing (I9)', async () => {
  const { model, calls } = recordingModel();
  const cache = new EmbeddingCache({ model, maxBytes: 1_000_000 });
  await Promise.all([cache.forTenant('a').embed(['text']), cache.forTenant('b').embed(['text'])]);
  await cache.forTenant('c').embed(['text']);
  expect(calls.flat()).toEqual(['text', 'text', 'text']);
  expect(cache.counts.hits).toBe(0);
});

test('a failure reaches all who wait for that text and is not remembered', async () => {
  const { model } = recordingModel(1);
  const tenant = new EmbeddingCache({ model, maxBytes: 1_000_000 }).forTenant('acme');
  const outcomes = await Promise.allSettled([tenant.embed(['a']), tenant.embed(['a'])]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
  await expect(tenant.embed(['a'])).resolves.toHaveLength(1);
});

test('the byte bound holds and the least recently used goes first', async () => {
  const { model, calls } = recordingModel();
  const cache = new EmbeddingCache({ model, maxBytes: 10 * 1_836 });
  const tenant = cache.forTenant('acme');
  for (let n = 0; n < 50; n += 1) {
    await tenant.embed([`text ${n}`]);
    await tenant.embed(['text 0']);
    expect(cache.bytes).toBeLessThanOrEqual(10 * 1_836);
  }
  expect(calls.flat().filter((text) => text === 'text 0')).toHaveLength(1);
  await tenant.embed(['text 10']);
  expect(calls.flat().filter((text) => text === 'text 10')).toHaveLength(2);
});
