/** What a client is told while the connection to Kafka breaks at every append, by a proxy before the broker. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { AGENT, type GatewayUnderTest, startGatewayUnderTest } from './gateway-under-test.ts';

let proxy: TcpProxy;
let under: GatewayUnderTest;
let broken = false;
beforeAll(async () => {
  proxy = await startTcpProxy(inject('stack').kafka, () => (broken ? 'before' : 'none'));
  // One record in flight, one waits, and that is all.
  const limits = { maxPending: 1, maxPartitionBytes: 1 };
  under = await startGatewayUnderTest({ broker: proxy.address, limits });
});
afterAll(async () => {
  await under?.close();
  await proxy?.close();
});

const question = { agent: AGENT, input: 'How?' };

test('fault 35: over the bound it answers 429 and when to come back', async () => {
  broken = true;
  const first = [under.submit(question), under.submit(question)];
  await until('one is on its way, one waits', () => under.writer.pending() === 2 && proxy.cuts().before > 0);
  const over = await under.submit(question);
  broken = false;
  expect(over.status).toBe(429);
  expect(over.headers.get('retry-after')).toBe('1');
  expect((await Promise.all(first)).map(({ status }) => status)).toEqual([202, 202]);
});

test('fault 4: nothing is acknowledged that Kafka did not take, and the same key can be sent again', async () => {
  broken = true;
  const key = { 'idempotency-key': randomUUID() };
  const refused = await under.submit(question, key);
  broken = false;
  expect(refused.status).toBe(503);
  expect(refused.body).toMatchObject({ code: 'append-failed' });
  expect(refused.headers.get('content-type')).toContain('application/problem+json');
  expect(refused.headers.get('retry-after')).toBe('2');
  const again = await under.submit(question, key);
  expect(again.status).toBe(202);
  const { taskId } = again.body as { taskId: string };
  expect(await under.tasksInKafka(taskId)).toHaveLength(1);
});
