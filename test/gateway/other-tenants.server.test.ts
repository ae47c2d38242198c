/** What is another tenant's answers as if it were not there, wherever a task or an execution is asked for by its id (I9). */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Asker, isShownTo } from '../../gateway/http/principal-of-request.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { until } from '../support/until.ts';
import { AGENT, answered, type GatewayUnderTest, startGatewayUnderTest } from './gateway-under-test.ts';

const OWN = 'globex';
const HASH = 'ab'.repeat(32);
let under: GatewayUnderTest;
let running: string;
let ended: string;

const begun = async (...events: Parameters<GatewayUnderTest['journal']>[1][]): Promise<string> => {
  const { body } = await under.submit({ agent: AGENT, input: 'Tell nobody.', tenant: OWN });
  const { taskId } = body as { taskId: string };
  const input = { text: 'Tell nobody.', principal: null, feature: null, budget: null, createdAt: 1 };
  const asked = { type: 'user-input', epoch: 0, input: JSON.stringify(input) } as const;
  const all = [asked, { type: 'claim' } as const, ...events];
  await under.journal(taskId, ...all.map((event) => ({ ...event, tenant: OWN })));
  return taskId;
};

const stateOf = async (taskId: string): Promise<string> =>
  ((await under.call(`/v1/tasks/${taskId}?tenant=${OWN}`)).body as { state: string }).state;

beforeAll(async () => {
  under = await startGatewayUnderTest();
  running = await begun();
  ended = await begun(answered('A secret.'));
  await until('both are known', async () => {
    return (await stateOf(running)) === 'processing' && (await stateOf(ended)) === 'completed';
  });
});
afterAll(async () => under?.close());

/** What each route that changes something, or asks with a body, is sent. */
const BODIES: Readonly<Record<string, object>> = {
  '/v1/tasks/{taskId}/cancel': {},
  '/v1/tasks/{taskId}/approve': { step: 1, argumentsHash: HASH, decision: 'approve' },
  '/v1/tasks/{taskId}/feedback': { score: 1 },
  '/v1/executions/{executionId}/replay': {},
  '/v1/executions/{executionId}/what-if': { behaviour: '1' },
  '/v1/executions/{executionId}/fork': { step: 0, dryRun: true },
};

interface ByIdRoute {
  readonly path: string;
  readonly method: string;
}

/** All that the contract has, so that none is forgotten. */
const routesById = async (): Promise<readonly ByIdRoute[]> => {
  const { body } = await under.call('/openapi.json');
  const { paths } = body as { paths: Record<string, Record<string, unknown>> };
  return Object.entries(paths)
    .filter(([path]) => path.includes('{taskId}') || path.includes('{executionId}'))
    .flatMap(([path, methods]) => Object.keys(methods).map((method) => ({ path, method })));
};

const ask = ({ path, method }: ByIdRoute, taskId: string, tenant: string | null) => {
  const executionId = executionIdOf(taskId);
  const address = path
    .replace('{taskId}', taskId)
    .replace('{executionId}', executionId)
    .replace('{hash}', HASH);
  const query = new URLSearchParams({
    ...(tenant === null ? {} : { tenant }),
    ...(path.endsWith('/diff') ? { with: executionId } : {}),
  });
  const sent = { headers: { 'content-type': 'application/json' }, body: JSON.stringify(BODIES[path]) };
  return under.call(`${address}?${query}`, method === 'get' ? {} : { method, ...sent });
};

test('every route by id says of what is another tenant’s, in every word, what it says of what nobody knows', async () => {
  const routes = await routesById();
  expect(routes.length).toBeGreaterThanOrEqual(12);
  const unknown = `task-${randomUUID()}`;
  for (const route of routes) {
    const nobodys = await ask(route, unknown, 'acme');
    expect([route, nobodys.status]).toEqual([route, 404]);
    for (const taskId of [running, ended]) {
      const other = await ask(route, taskId, 'acme');
      const said = JSON.stringify(other.body)
        .replaceAll(taskId, unknown)
        .replaceAll(executionIdOf(taskId), executionIdOf(unknown));
      expect([route, other.status, JSON.parse(said)]).toEqual([route, 404, nobodys.body]);
    }
  }
});

test('its own tenant is shown it, and so is whoever may see all', async () => {
  for (const route of await routesById()) {
    // No event of it has a payload, and nothing of it waits for a person: those are other answers of not found.
    if (route.path.includes('{hash}') || route.path.endsWith('/approve')) continue;
    if (route.path.endsWith('/cancel')) continue;
    for (const tenant of [OWN, null]) {
      const { status } = await ask(route, ended, tenant);
      expect([route, tenant, status]).toEqual([route, tenant, 200]);
    }
  }
  expect((await under.call(`/v1/tasks/${running}/cancel?tenant=${OWN}`, { method: 'POST' })).status).toBe(
    202,
  );
});

test('the stream of the page shows a tenant its own', async () => {
  for (const [tenant, shown] of [
    ['acme', false],
    [OWN, true],
  ] as const) {
    const stop = new AbortController();
    const response = await fetch(`${under.gateway.url}/v1/stream?tenant=${tenant}`, { signal: stop.signal });
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (/event: executions\ndata: .*\n/.test(text)) break;
    }
    stop.abort();
    expect([tenant, text.includes(executionIdOf(ended))]).toEqual([tenant, shown]);
  }
});

test('a principal of one tenant sees that one alone, whatever its request names', () => {
  const asker = (own: string | null, named?: string): Asker => ({
    principal: { name: 'somebody', tenant: own },
    query: { tenant: named },
  });
  expect(isShownTo(asker('acme', OWN), OWN, 'acme')).toBe(false);
  expect(isShownTo(asker('acme'), OWN, 'acme')).toBe(false);
  expect(isShownTo(asker('acme'), 'acme', 'other')).toBe(true);
  // Without a tenant it is the configured one's.
  expect(isShownTo(asker('acme'), null, 'acme')).toBe(true);
  expect(isShownTo(asker('acme'), null, OWN)).toBe(false);
  expect(isShownTo(asker(null), OWN, 'acme')).toBe(true);
});
