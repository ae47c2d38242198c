/** Over bare routes, in the process. */
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { route } from '../../../gateway/http/route.ts';
import { registerMcp } from '../../../gateway/mcp/register-mcp.ts';

const ROUTES = [
  ['POST', '/v1/search'],
  ['POST', '/v1/tasks'],
  ['GET', '/v1/tasks/{taskId}'],
  ['POST', '/v1/tasks/{taskId}/feedback'],
  ['GET', '/v1/documents'],
  ['GET', '/v1/freshness'],
] as const;

test('a call that fails outside its route is told to whoever keeps the log, and not to whoever called', async () => {
  const app = Fastify();
  const failures: string[] = [];
  registerMcp(app, {
    routes: ROUTES.map(([method, path]) =>
      route({ method, path, summary: '', tag: '', answers: [], errors: [], handle: async () => undefined }),
    ),
    agents: [],
    localTenant: 'acme',
    version: '1',
    onFailure: ({ code, message }) => failures.push(`${code}: ${message}`),
  });
  app.get('/v1/freshness', async () => 'no JSON of ours');
  const answer = await app.inject({
    ...{ method: 'POST', url: '/mcp', headers: { accept: 'application/json, text/event-stream' } },
    payload: { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'freshness', arguments: {} } },
  });
  expect(answer.json()).toMatchObject({
    result: {
      isError: true,
      structuredContent: { code: 'internal', detail: expect.stringMatching('its log') },
    },
  });
  expect(failures).toEqual([expect.stringMatching(/^internal: .*no JSON/)]);
});
