/** Providers over HTTP: the protocol as sent, limits, and every fault of row 22 of shared/ROBUSTNESS.md. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cutRequests } from '../../../../../connectors/models/embedding/remote/cut-requests.ts';
import {
  cutToTokens,
  estimateTokens,
} from '../../../../../connectors/models/embedding/remote/estimated-tokens.ts';
import { type EmbeddingServer, startEmbeddingServer } from '../../../../support/embedding-server.ts';
import { until } from '../../../../support/until.ts';
import { describeEmbeddingModel } from '../../embedding-conformance.ts';
import { openRemote, PROTOCOLS } from './remote-models.ts';

let server: EmbeddingServer;
beforeEach(async () => {
  server = await startEmbeddingServer();
});
afterEach(() => server.close());

/** How long a hang is waited for, and what an answer has to come within. */
const HANGS = { timeoutMs: 1_000 };
const texts = (count: number): readonly string[] => Array.from({ length: count }, (_, at) => `Text ${at}.`);

for (const kind of PROTOCOLS)
  describeEmbeddingModel(kind, async () => openRemote(kind, (await lasting()).url));

let shared: Promise<EmbeddingServer> | undefined;
/** One server for the suites above; its process ends with the file. */
const lasting = (): Promise<EmbeddingServer> => {
  shared ??= startEmbeddingServer();
  return shared;
};

describe.each(PROTOCOLS)('%s', (kind) => {
  it('cuts requests by count and by tokens, and no more at once than allowed', async () => {
    server.delayMs = 20;
    const model = await openRemote(kind, server.url, { maxTextsPerRequest: 7, concurrency: 3 });
    const vectors = await model.embed(texts(60));
    expect(vectors.every((vector) => vector.length === 384)).toBe(true);
    expect(server.seen.map((each) => each.texts.length).sort((a, b) => b - a)).toEqual([
      ...Array(8).fill(7),
      4,
    ]);
    expect(server.seen.flatMap((each) => each.texts).sort()).toEqual([...texts(60)].sort());
    expect(server.mostAtOnce()).toBe(3);
    await model.close();
  });

  it('waits as long as a 429 asks, all its calls together, and never sooner', async () => {
    const model = await openRemote(kind, server.url, { maxTextsPerRequest: 1, concurrency: 2 });
    server.faults.push({ kind: 'status', status: 429, retryAfter: '1' });
    await model.embed(texts(6));
    const refusedAt = server.seen.find((each) => each.fault === 'status')?.at ?? 0;
    // The refused one, the one beside it, and one more where that was answered before the refusal was heard.
    const held = server.seen.slice(3);
    expect(held).toHaveLength(4);
    expect(held.filter(({ at }) => at < refusedAt + 990)).toEqual([]);
    await model.close();
  });

  it.each([
    ['a 500', { kind: 'status', status: 500 }],
    ['a 503 with Retry-After', { kind: 'status', status: 503, retryAfter: '0.2' }],
    ['a lost connection', { kind: 'reset' }],
    ['a hang', { kind: 'hang' }],
    ['a short batch', { kind: 'short' }],
  ] as const)('goes on after %s, with the right vector for each text', async (_, fault) => {
    const model = await openRemote(kind, server.url, fault.kind === 'hang' ? HANGS : {});
    const expected = await model.embed(texts(10));
    server.faults.push(fault, fault);
    expect(await model.embed(texts(10))).toEqual(expected);
    expect(server.seen.map((each) => each.fault)).toEqual([null, fault.kind, fault.kind, null]);
    await model.close();
  });

  it('gives up after its tries with model-failed, and leaves a dead service alone until it is back', async () => {
    // Left alone for as long as a slow machine needs for all its questions.
    const model = await openRemote(kind, server.url, { attempts: 3, openMs: 1_500 });
    server.faultOf = () => ({ kind: 'status', status: 500 });
    await expect(model.embed(['a'])).rejects.toMatchObject({ code: 'model-failed' });
    expect(server.seen).toHaveLength(3);
    await expect(model.embed(['a'])).rejects.toMatchObject({ code: 'model-failed' });
    expect(server.seen).toHaveLength(4);
    for (let call = 0; call < 20; call += 1)
      await expect(model.embed(['a'])).rejects.toMatchObject({
        message: expect.stringContaining('left alone'),
      });
    expect(server.seen).toHaveLength(4);
    server.faultOf = () => undefined;
    await until('the breaker closes', () =>
      model.embed(['a']).then(
        () => true,
        () => false,
      ),
    );
    await model.close();
  });

  it('answers at once with an error where the service asks to wait for longer than allowed', async () => {
    const model = await openRemote(kind, server.url);
    server.faults.push({ kind: 'status', status: 429, retryAfter: '3600' });
    await expect(model.embed(['a'])).rejects.toMatchObject({ code: 'model-failed' });
    await expect(model.embed(['a'])).rejects.toMatchObject({
      message: expect.stringContaining('asked for no call'),
    });
    expect(server.seen).toHaveLength(1);
    await model.close();
  });

  it('gives an empty vector to the one text that is refused, and the right ones to its neighbours', async () => {
    const model = await openRemote(kind, server.url);
    const expected = await model.embed(texts(9));
    server.refused.add('Text 4.');
    const vectors = await model.embed(texts(9));
    expect(vectors.map((vector) => vector.length)).toEqual([384, 384, 384, 384, 0, 384, 384, 384, 384]);
    expect(vectors.filter((_, at) => at !== 4)).toEqual(expected.filter((_, at) => at !== 4));
    await model.close();
  });

  it('blames no text where every text is refused, nor for a key, a model or a size that is wrong', async () => {
    for (const status of [400, 401, 403, 404]) {
      server.faultOf = () => ({ kind: 'status', status });
      const model = await openRemote(kind, server.url);
      await expect(model.embed(texts(3))).rejects.toMatchObject({ code: 'model-failed' });
      await model.close();
    }
    server.faultOf = () => undefined;
    server.faults.push({ kind: 'page' });
    const model = await openRemote(kind, server.url);
    await expect(model.embed(['a'])).rejects.toMatchObject({ code: 'model-failed' });
    await model.close();
  });

  it('pays once to learn that vectors are of another size than configured, however often it is asked', async () => {
    const model = await openRemote(kind, server.url, {}, undefined, 512);
    for (let call = 0; call < 5; call += 1)
      await expect(model.embed(['a'])).rejects.toMatchObject({
        message: expect.stringContaining('gave a vector of 384 dimensions. Set dimensions'),
      });
    expect(server.seen).toHaveLength(1);
    await model.close();
  });

  it('reserves before it asks, settles what was counted, and leaves standing what was lost', async () => {
    const log: string[] = [];
    let spent = 0;
    const model = await openRemote(kind, server.url, HANGS, {
      reserve: async ({ boundTokens, tenant }) => {
        log.push(`reserve ${tenant} ${server.seen.length}`);
        spent += boundTokens;
        return {
          settle: (tokens) => {
            expect(tokens).toBeLessThanOrEqual(boundTokens);
            log.push(`settle ${server.seen.length}`);
            spent += tokens - boundTokens;
          },
        };
      },
    });
    await model.embed(texts(5), { tenant: 'acme' });
    expect(log).toEqual(['reserve acme 0', 'settle 1']);
    expect(spent).toBe(server.metered());
    server.faults.push({ kind: 'status', status: 429, retryAfter: '0' }, { kind: 'hang' });
    await model.embed(texts(5), { tenant: 'acme' });
    expect(log.slice(2)).toEqual([
      'reserve acme 1',
      'settle 2',
      'reserve acme 2',
      'reserve acme 3',
      'settle 4',
    ]);
    expect(spent).toBeGreaterThan(server.metered());
    await model.close();
  });
});

it('gives each text its own vector, in whichever order a server answers, and none where two claim one place', async () => {
  const model = await openRemote('openai-compatible', server.url);
  const expected = await model.embed(texts(10));
  server.faults.push({ kind: 'order', change: (vectors) => vectors.toReversed() });
  expect(await model.embed(texts(10))).toEqual(expected);
  // Left out, the place says it.
  server.faults.push({
    kind: 'order',
    change: (vectors) => vectors.map(({ embedding }) => ({ embedding })),
  });
  expect(await model.embed(texts(10))).toEqual(expected);
  for (const wrong of [(index: number) => index >> 1, (index: number) => index + 1]) {
    server.faults.push({
      kind: 'order',
      change: (vectors) => vectors.map((each) => ({ ...each, index: wrong(each.index) })),
    });
    await expect(model.embed(texts(10))).rejects.toMatchObject({ code: 'model-failed' });
  }
  await model.close();
});

it('pays the bound where no tokens are told', async () => {
  const settled: number[] = [];
  const bounds: number[] = [];
  const model = await openRemote(
    'openai-compatible',
    server.url,
    {},
    {
      reserve: async ({ boundTokens }) => {
        bounds.push(boundTokens);
        return { settle: (tokens) => settled.push(tokens) };
      },
    },
  );
  for (const tokens of [0, -3, 1.5]) {
    server.faults.push({ kind: 'usage', tokens });
    await model.embed(['a']);
  }
  expect(settled).toEqual(bounds);
  await model.close();
});

it('sends what the protocols document, and keeps keys out of errors', async () => {
  const [openai, pinecone, ollama] = await Promise.all(PROTOCOLS.map((kind) => openRemote(kind, server.url)));
  await openai?.embed(['a'], { purpose: 'query' });
  await pinecone?.embed(['a'], { purpose: 'query' });
  await pinecone?.embed(['b']);
  await ollama?.embed(['a']);
  expect(server.seen.map(({ path, purpose }) => [path, purpose])).toEqual([
    ['/v1/embeddings', undefined],
    ['/embed', 'query'],
    ['/embed', 'passage'],
    ['/api/embed', undefined],
  ]);
  expect(server.seen[0]?.headers.authorization).toBe('Bearer sk-test');
  expect(server.seen[1]?.headers['api-key']).toBe('pc-test');
  expect([openai, pinecone, ollama].map((model) => model?.id)).toEqual([
    'openai-compatible/small-1@384',
    'pinecone/multilingual-e5-large@384',
    'ollama/nomic-embed-text@384',
  ]);
  server.faultOf = () => ({ kind: 'status', status: 401 });
  const failures = await Promise.all([openai, pinecone].map((model) => model?.embed(['a']).catch(String)));
  for (const failure of failures) expect(failure).not.toMatch(/sk-test|pc-test/);
});

it('a request holds each text once, in order, within its limits unless one text alone is above them', () => {
  const limits = fc.record({
    maxTexts: fc.integer({ min: 1, max: 9 }),
    maxTokens: fc.integer({ min: 1, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(fc.nat(60)), limits, (tokens, limit) => {
      const requests = cutRequests(tokens, limit);
      expect(requests.flat()).toEqual(tokens.map((_, at) => at));
      for (const request of requests) {
        expect(request.length).toBeGreaterThan(0);
        expect(request.length).toBeLessThanOrEqual(limit.maxTexts);
        const sum = request.reduce((total, at) => total + (tokens[at] ?? 0), 0);
        expect(sum <= limit.maxTokens || request.length === 1).toBe(true);
      }
    }),
  );
});

it('a text is cut to its limit and no further', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat(30), (text, limit) => {
      const cut = cutToTokens(text, limit);
      expect(text.startsWith(cut)).toBe(true);
      expect(estimateTokens(cut)).toBeLessThanOrEqual(limit);
      if (cut !== text) expect(estimateTokens(text)).toBeGreaterThan(limit);
    }),
  );
});
