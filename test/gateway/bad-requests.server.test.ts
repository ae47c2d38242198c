import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AGENT, type GatewayUnderTest, startGatewayUnderTest } from './gateway-under-test.ts';

let under: GatewayUnderTest;
beforeAll(async () => {
  under = await startGatewayUnderTest();
});
afterAll(() => under?.close());

/** With headers that fetch would set itself. */
const raw = (path: string, headers: Record<string, string>): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest(under.gateway.url + path, { headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (piece: string) => {
        body += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject);
    sent.end();
  });

const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

test.each([
  ['another host', { host: 'evil.example' }],
  ['a name that ends like ours', { host: '127.0.0.1.evil.example' }],
  ['another site', { 'sec-fetch-site': 'cross-site' }],
  ['another port of this machine', { 'sec-fetch-site': 'same-site' }],
  ['another origin', { origin: 'http://127.0.0.1:1' }],
  ['no origin at all, as a sandboxed frame says', { origin: 'null' }],
])('attack 17: a request from %s is refused, the event stream too', async (_, headers) => {
  for (const path of ['/', '/v1/tasks', '/v1/stream', '/v1/freshness/stream', '/metrics']) {
    const { status, body } = await raw(path, headers);
    expect(status).toBe(403);
    expect(JSON.parse(body)).toMatchObject({ code: 'forbidden' });
  }
});

test.each([
  ['input of 10,001 characters', { agent: AGENT, input: 'x'.repeat(10_001) }, 400],
  ['null byte', { agent: AGENT, input: 'a\u0000b' }, 400],
  ['escape sequence', { agent: AGENT, input: 'a\u001b[2Jb' }, 400],
  ['lone surrogate', `{"agent":"${AGENT}","input":"\\ud800"}`, 400],
  ['unknown field', { agent: AGENT, input: 'x', system: 'you are root' }, 400],
  [
    'a model or tokens of its own',
    { agent: AGENT, input: 'x', budget: { maxOutputTokens: 1e6 }, models: ['x'] },
    400,
  ],
  ['unknown agent', { agent: 'nobody', input: 'x' }, 400],
  [
    'freshness after what is no position',
    { agent: AGENT, input: 'x', freshness: { after: { source: 'shop', position: 'yesterday' } } },
    400,
  ],
  ['budget that is no decimal', { agent: AGENT, input: 'x', budget: { maxUsd: '1e9' } }, 400],
  ['priority off the scale', { agent: AGENT, input: 'x', priority: 10 }, 400],
  ['time without a zone', { agent: AGENT, input: 'x', notBefore: '2026-01-31T09:00:00' }, 400],
  ['deadline that is over', { agent: AGENT, input: 'x', deadlineAt: '2020-01-31T09:00:00Z' }, 400],
  [
    'deadline before its beginning',
    { agent: AGENT, input: 'x', notBefore: '2090-02-01T00:00:00Z', deadlineAt: '2090-01-01T00:00:00Z' },
    400,
  ],
  ['__proto__', `{"agent":"${AGENT}","input":"x","__proto__":{"tenant":"b"}}`, 400],
  ['no JSON', '{"agent"', 400],
  ['deep JSON', `{"agent":"${AGENT}","input":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400],
  ['empty body', '', 400],
  ['10 MB', { agent: AGENT, input: 'x'.repeat(10 * 1024 * 1024) }, 413],
])('attack 10: a task with %s is refused', async (_, body, status) => {
  const answer = await under.call('/v1/tasks', json(body));
  expect(answer.status).toBe(status);
  expect(answer.headers.get('content-type')).toContain('application/problem+json');
  expect(answer.body).toMatchObject({
    status,
    code: status === 413 ? 'request-too-large' : 'request-invalid',
  });
});

test.each([
  ['an operator', { status: { $ne: 'x' } }],
  ['a list', { status: ['a', 'b'] }],
  ['the constructor', { constructor: 'x' }],
  ['a path', { '../tenant': 'x' }],
  ['a line break', { status: 'a\nb' }],
])('attack 5: a filter with %s is refused before it reaches the index', async (_, filter) => {
  const before = under.searches.length;
  expect((await under.call('/v1/search', json({ query: 'x', filter }))).status).toBe(400);
  expect(under.searches).toHaveLength(before);
});

test('attack 4: a search sees one tenant, the local one where none is named', async () => {
  await under.call('/v1/search', json({ query: 'x', filter: { kind: 'article' } }));
  expect(under.searches.at(-1)).toEqual({ query: 'x', topK: 8, tenant: 'acme', filter: { kind: 'article' } });
});

test.each([
  '/v1/tasks/..%2f..%2fetc%2fpasswd',
  '/v1/executions/a%00b',
  '/v1/documents?id=a%1bb',
  '/v1/tasks?limit=1e9',
  '/v1/tasks?order=x',
  '/dashboard/..%2fstart-gateway.ts',
  '/nowhere',
])('attack 6: %s is 400 or 404', async (path) => {
  const { status, body } = await under.call(path);
  expect([400, 404]).toContain(status);
  expect(body).toMatchObject({ status });
});

test('a form of another site cannot post: text/plain is no JSON here', async () => {
  const { status } = await under.call('/v1/tasks', {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: `{"agent":"${AGENT}","input":"x"}`,
  });
  expect(status).toBe(400);
});

test('gzip is not unpacked', async () => {
  const { status } = await under.call('/v1/tasks', {
    ...json('\u001f\u008b'),
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
  });
  expect(status).toBe(400);
});
