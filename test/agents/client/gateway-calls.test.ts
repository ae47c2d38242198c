import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openGateway } from '../../../agents/client/gateway-calls.ts';

/** When it was asked; and what the next requests are told before it answers. */
const asked: number[] = [];
let refusals: string[] = [];
const server = createServer((_, response) => {
  asked.push(performance.now());
  const retryAfter = refusals.shift();
  if (retryAfter === undefined) return response.end('{"taskId":"a"}');
  response.writeHead(429, { 'content-type': 'application/problem+json', 'retry-after': retryAfter });
  response.end(JSON.stringify({ code: 'too-many-requests', detail: 'later' }));
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => server.close());

const persist = (...told: string[]) => {
  asked.length = 0;
  refusals = told;
  const gateway = openGateway(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return gateway.persist(() => gateway.get('/v1/tasks/a'));
};

test('what is told when to come again comes no sooner', async () => {
  expect(await persist('1')).toEqual({ taskId: 'a' });
  const [first = 0, second = 0] = asked;
  expect(second - first).toBeGreaterThanOrEqual(990);
});

test('what is told to come later than it would try is given up at once, with how long it was told', async () => {
  await expect(persist('3600')).rejects.toMatchObject({
    code: 'too-many-requests',
    details: { retryAfterMs: 3_600_000 },
  });
  expect(asked).toHaveLength(1);
});

test('nonsense is not waited for', async () => {
  expect(await persist('soon')).toEqual({ taskId: 'a' });
  const [first = 0, second = 0] = asked;
  expect(second - first).toBeLessThan(900);
});
