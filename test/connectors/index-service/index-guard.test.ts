/** Attacks 4 and 17: what a web page can make its visitor's browser ask of a role, over loopback and without credentials. */
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openIndexClient } from '../../../connectors/index-service/index-client.ts';
import { type RoleServer, serveIndex, serveRole } from '../../../connectors/index-service/index-server.ts';
import type { IndexService } from '../../../connectors/index-service/index-service.ts';
import { createMetrics } from '../../../connectors/telemetry/metrics.ts';

let calls: string[];
let index: RoleServer;
let pipeline: RoleServer;
beforeEach(async () => {
  calls = [];
  const service = {
    status: () => {
      calls.push('status');
      return { documents: 1 };
    },
    rebuild: async function* () {
      calls.push('rebuild');
      yield { done: true };
    },
    describe: async (ids: readonly string[]) => {
      calls.push(`describe ${ids.length}`);
      return [];
    },
  } as unknown as IndexService;
  const { registry } = createMetrics('index');
  index = await serveIndex(service, { role: 'index', notReady: () => null, metrics: registry });
  pipeline = await serveRole({ role: 'pipeline', notReady: () => null, metrics: registry });
});
afterEach(() => Promise.all([index.close(), pipeline.close()]));

/** Unlike fetch, it sends a Host and an Origin of one's choice. */
const ask = async (url: string, method: string, headers: Record<string, string>, body?: string) => {
  const response = await new Promise<IncomingMessage>((resolve, reject) =>
    request(url, { method, headers, agent: false }).once('response', resolve).once('error', reject).end(body),
  );
  return { status: response.statusCode, body: JSON.parse(await text(response)) as unknown };
};

test.each([
  ['another host', { host: 'evil.example' }],
  ['a name that ends like ours', { host: '127.0.0.1.evil.example:7401' }],
  ['another site', { 'sec-fetch-site': 'cross-site' }],
  ['another port of this machine', { 'sec-fetch-site': 'same-site' }],
  ['another origin', { origin: 'http://127.0.0.1:1' }],
  ['no origin at all, as a sandboxed frame says', { origin: 'null' }],
])('a request from %s reaches no role', async (_, headers) => {
  const answers = await Promise.all([
    ask(`${index.url}/status`, 'GET', headers),
    ask(`${index.url}/rebuild`, 'POST', headers),
    ask(`${index.url}/metrics`, 'GET', headers),
    ask(`${pipeline.url}/metrics`, 'GET', headers),
  ]);
  for (const { status, body } of answers) {
    expect(status).toBe(403);
    expect(body).toMatchObject({ code: 'forbidden' });
  }
  expect(calls).toEqual([]);
});

test('a body that a form could send is not read', async () => {
  const plain = { 'content-type': 'text/plain' };
  expect(await ask(`${index.url}/describe`, 'POST', plain, '["shop/1"]')).toEqual({
    status: 400,
    body: { code: 'request-invalid', message: expect.stringContaining('application/json') },
  });
  expect(calls).toEqual([]);
});

test('the other roles are answered as before, by every name of loopback', async () => {
  const client = openIndexClient(index.url.replace('127.0.0.1', 'localhost'));
  expect(await client.status()).toEqual({ documents: 1 });
  expect(await openIndexClient(index.url).describe(['shop/1', 'shop/2'])).toEqual([]);
  for await (const progress of client.rebuild()) expect(progress).toEqual({ done: true });
  expect(calls).toEqual(['status', 'describe 2', 'rebuild']);
});
