/**
 * Attack 7: an address from a model or a row that leads inside the network. A server on loopback plays both the inside and, under
 * names that an operator let in, the outside: a machine under test reaches nothing else.
 */
import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { callTool } from '../../agents/runtime/step-calls.ts';
import { mayPass } from '../../agents/tools/call-chain.ts';
import { type FetchSettings, openFetch } from '../../connectors/web/open-fetch.ts';
import { defineTool } from '../../schemas/agent-definition.ts';
import { FreshetError, OutcomeUnknown } from '../../schemas/errors.ts';
import type { FetchPolicy } from '../../schemas/fetch-policy.ts';
import { contextOf } from '../agents/tools/tools-under-test.ts';
import { selfSigned } from '../support/self-signed.ts';

const SECRET = 'secret-of-the-inside';
const LOOPBACK: LookupAddress = { address: '127.0.0.1', family: 4 };
/** Public by its number, and routed nowhere. */
const NOWHERE: LookupAddress = { address: '2a0f:ffff::1', family: 6 };
const MEBIBYTE = 1024 * 1024;

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let port: number;
let answer: Answer;
let reached: IncomingMessage[];

beforeEach(async () => {
  reached = [];
  answer = (_, response) => response.end(SECRET);
  server = createServer((request, response) => {
    reached.push(request);
    answer(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

/** `front.test` and `other.test` stand for the outside; every other name is judged as it resolves. */
const fetching = (settings: Partial<FetchSettings> = {}): typeof fetch =>
  openFetch({
    allowInside: [`front.test:${port}`, `other.test:${port}`],
    signal: new AbortController().signal,
    resolve: async () => [LOOPBACK],
    ...settings,
  });

const refusalOf = async (asked: Promise<unknown>): Promise<FreshetError> => {
  const error = await asked.then(
    () => new Error('it was let through'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FreshetError)) throw error;
  expect(JSON.stringify([error.message, error.details, String(error.cause)])).not.toContain(SECRET);
  return error;
};

const front = (path = '/'): string => `http://front.test:${port}${path}`;

describe('rebinding', () => {
  const inTurn = (...turns: readonly (readonly LookupAddress[])[]) => {
    const asked: string[] = [];
    const resolve = async (name: string) => {
      asked.push(name);
      return turns[Math.min(asked.length, turns.length) - 1] ?? [];
    };
    return { asked, resolve };
  };

  test('a name that is public when it is looked at, and inside when it is connected to', async () => {
    const { asked, resolve } = inTurn([NOWHERE], [LOOPBACK]);
    const error = await refusalOf(fetching({ resolve, timeoutMs: 300 })(`http://rebind.test:${port}/`));
    expect(error.code).toBe('unavailable');
    expect(asked).toEqual(['rebind.test']);
    expect(reached).toEqual([]);
  });

  test('a connection goes to what was found at first, under the name that was asked for', async () => {
    const { asked, resolve } = inTurn([LOOPBACK], [{ address: '127.0.0.9', family: 4 }]);
    const response = await fetching({ resolve })(front());
    expect([response.status, response.url, await response.text()]).toEqual([200, front(), SECRET]);
    expect(reached[0]?.headers.host).toBe(`front.test:${port}`);
    expect(asked).toEqual(['front.test']);
  });

  test('one address inside is enough', async () => {
    const { resolve } = inTurn([NOWHERE, LOOPBACK]);
    const error = await refusalOf(fetching({ resolve })(`http://both.test:${port}/`));
    expect(error).toMatchObject({ code: 'forbidden', details: { rule: 'inside' } });
    expect(reached).toEqual([]);
  });
});

describe('redirects', () => {
  const sendsTo = (location: string, status = 302): void => {
    answer = ({ headers }, response) => {
      if (headers.host?.startsWith('front.test')) response.writeHead(status, { location }).end(SECRET);
      else response.end(SECRET);
    };
  };

  test.each(['127.0.0.1', '2130706433', '[::ffff:127.0.0.1]', 'localhost.', `${SECRET}.internal`])(
    'from an outside host to %s',
    async (host) => {
      sendsTo(`http://${host}:${port}/admin`);
      const error = await refusalOf(fetching()(front()));
      expect(error).toMatchObject({ code: 'forbidden', details: { rule: 'inside' } });
      expect(reached.map(({ url }) => url)).toEqual(['/']);
    },
  );

  test('to another scheme, with a user, and round and round', async () => {
    for (const [location, rule] of [
      ['file:///etc/passwd', 'scheme'],
      [`http://user:${SECRET}@other.test:${port}/`, 'userinfo'],
    ] as const) {
      sendsTo(location);
      expect((await refusalOf(fetching()(front()))).details).toEqual({ rule });
    }
    reached = [];
    sendsTo('/again');
    expect((await refusalOf(fetching()(front()))).details).toEqual({ rule: 'redirects' });
    expect(reached).toHaveLength(6);
  });

  test('credentials stay with whom they were for, and a write does', async () => {
    sendsTo(`http://other.test:${port}/`);
    const headers = { authorization: SECRET, cookie: SECRET, 'x-api-key': SECRET, accept: 'text/plain' };
    const response = await fetching()(front(), { headers });
    expect([response.redirected, await response.text()]).toEqual([true, SECRET]);
    expect(reached[0]?.headers).toMatchObject(headers);
    expect(JSON.stringify(reached[1]?.headers)).not.toContain(SECRET);
    expect(reached[1]?.headers.accept).toBe('text/plain');

    reached = [];
    sendsTo(`http://other.test:${port}/`, 307);
    const error = await refusalOf(fetching()(front(), { method: 'POST', body: SECRET, headers }));
    expect(error).toMatchObject({ code: 'forbidden', details: { rule: 'redirected-write' } });
    // The first host has had it.
    expect(error).toBeInstanceOf(OutcomeUnknown);
    expect(reached).toHaveLength(1);
  });
});

describe('answers without end', () => {
  const isTooLarge = async (path = '/', settings: Partial<FetchSettings> = {}) => {
    const error = await refusalOf(fetching(settings)(front(path)));
    expect(error).toMatchObject({ code: 'request-too-large', details: { rule: 'bytes' } });
  };
  /** Writes the same piece for as long as somebody listens. */
  const floods = (piece: Buffer, headers: Record<string, string> = {}) => {
    const ended: Promise<unknown>[] = [];
    let bytes = 0;
    answer = (_, response) => {
      response.writeHead(200, headers);
      ended.push(once(response, 'close'));
      const write = (): void => {
        while (!response.destroyed && response.write(piece)) bytes += piece.length;
        response.once('drain', write);
      };
      write();
    };
    return { closed: () => Promise.all(ended), bytes: () => bytes };
  };

  test('a body over the limit is not read on', async () => {
    const flood = floods(Buffer.alloc(16_384, SECRET));
    await isTooLarge('/', { maxBytes: 100_000 });
    await flood.closed();
    expect(flood.bytes()).toBeLessThan(64 * MEBIBYTE);
  });

  test('nor where a bound is left undefined, which is the default', async () => {
    answer = (_, response) => response.end(Buffer.alloc(2 * MEBIBYTE));
    const none = { maxBytes: undefined, timeoutMs: undefined } as unknown as FetchPolicy;
    await isTooLarge('/', none);
    const closed = fetching({ allowInside: undefined } as unknown as FetchPolicy);
    expect((await refusalOf(closed(`http://127.0.0.1:${port}/`))).code).toBe('forbidden');
  });

  test('nor is one that says how long it is', async () => {
    answer = (_, response) => response.writeHead(200, { 'content-length': 10 * MEBIBYTE }).write(SECRET);
    await isTooLarge();
  });

  test.each([
    ['gzip', gzipSync(Buffer.alloc(64 * MEBIBYTE))],
    ['br', brotliCompressSync(Buffer.alloc(64 * MEBIBYTE))],
  ])('a bomb of %s that is small on its way', async (coding, bomb) => {
    expect(bomb.length).toBeLessThan(MEBIBYTE);
    answer = (_, response) => response.writeHead(200, { 'content-encoding': coding }).end(bomb);
    const before = process.memoryUsage().arrayBuffers;
    await isTooLarge();
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * MEBIBYTE);
  });

  test('what is large on its way and decodes to nothing', async () => {
    const flood = floods(gzipSync(''), { 'content-encoding': 'gzip' });
    await isTooLarge('/', { maxBytes: 100_000, timeoutMs: 5_000 });
    await flood.closed();
  });

  test('codings over one another are not undone', async () => {
    const twice = gzipSync(gzipSync(SECRET));
    answer = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip, gzip' }).end(twice);
    expect((await refusalOf(fetching()(front()))).code).toBe('unavailable');
    answer = (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('fine'));
    expect(await (await fetching()(front())).text()).toBe('fine');
  });
});

test.each<[string, Answer]>([
  ['says nothing', () => undefined],
  [
    'says a word now and then',
    (_, response) => {
      const drip = setInterval(() => response.write(SECRET), 20);
      response.once('close', () => clearInterval(drip));
    },
  ],
])('a server that %s is left after the time, and for its tool to try again', async (_, says) => {
  answer = says;
  const error = await refusalOf(fetching({ timeoutMs: 200 })(front()));
  expect(error).toMatchObject({ code: 'unavailable', details: { rule: 'time' } });
});

test('a write that its own signal ends once it was sent may have had its effect; a read has none', async () => {
  answer = () => undefined;
  for (const [method, thrown] of [
    ['POST', expect.any(OutcomeUnknown)],
    ['GET', 'enough'],
  ] as const) {
    const controller = new AbortController();
    reached = [];
    const asked = fetching()(front(), { method, signal: controller.signal }).catch((error: unknown) => error);
    await expect.poll(() => reached.length).toBe(1);
    controller.abort('enough');
    expect(await asked).toEqual(thrown);
  }
});

test('certificates are held against the name that was asked for', async () => {
  const { key, cert } = selfSigned('front.test');
  const names: unknown[] = [];
  const secure = createSecureServer({ key, cert }, (request, response) => {
    names.push((request.socket as { servername?: unknown }).servername);
    response.end('fine');
  }).listen(0, '127.0.0.1');
  await once(secure, 'listening');
  const { port: own } = secure.address() as AddressInfo;
  const allowInside = ['front.test', 'other.test'].map((name) => `${name}:${own}`);
  try {
    const trusting = fetching({ allowInside, ca: cert });
    expect(await (await trusting(`https://front.test:${own}/`)).text()).toBe('fine');
    await expect(trusting(`https://other.test:${own}/`)).rejects.toThrow(/ERR_TLS_CERT_ALTNAME_INVALID/);
    await expect(fetching({ allowInside })(`https://front.test:${own}/`)).rejects.toThrow(/SELF_SIGNED/);
    expect(names).toEqual(['front.test']);
  } finally {
    secure.closeAllConnections();
    secure.close();
  }
});

describe('a tool that is given an address', () => {
  const read = (address: string, fetch?: FetchPolicy, timeoutMs = 5_000) => {
    const tool = defineTool({
      ...{ name: 'read-page', description: 'Reads a page.', effect: 'read', timeoutMs },
      ...(fetch ? { fetch } : {}),
      arguments: z.object({ address: z.string() }),
      execute: async (input, context) => (await context.fetch(input.address)).text(),
    });
    const context = contextOf('acme', new AbortController().signal);
    return callTool(tool, { address }, { limitMs: 10_000, context });
  };

  test('reaches what its definition lets it reach inside, and nothing else there', async () => {
    const { failure } = await read(`http://127.0.0.1:${port}/`);
    expect(failure).toMatchObject({ code: 'forbidden', uncertain: false });
    expect(failure?.message).toMatch(/inside.*loopback/);
    // A try more would be refused too, and a model's wish is no fault of the tool that opens its breaker.
    expect(failure && mayPass(failure)).toBe(false);
    expect(reached).toEqual([]);
    expect((await read(`http://127.1:${port}/`, { allowInside: [`127.0.0.1:${port}`] })).output).toBe(SECRET);
  });

  test("ends with the tool's own time", async () => {
    answer = () => undefined;
    const allowInside = [`127.0.0.1:${port}`];
    const { failure } = await read(`http://127.0.0.1:${port}/`, { allowInside }, 100);
    expect(failure?.code).toBe('timeout');
    await expect.poll(() => reached[0]?.destroyed, { timeout: 5_000 }).toBe(true);
  });
});
