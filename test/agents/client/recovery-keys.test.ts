import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openAgentClient } from '../../../agents/client/agent-client.ts';

test('failed tasks whose names differ in a blank at an end are recovered each under a key of its own', async () => {
  const keys: unknown[] = [];
  const tasks = ['a', 'a ', ' a', 'ä'].map((taskId, at) => ({
    ...{ taskId, executionId: `execution-${at}`, error: { code: 'model-failed', message: '' } },
    ...{ feature: null, deadlineAt: null },
  }));
  const server = createServer(({ url = '', headers }, response) => {
    if (url.includes('/fork')) keys.push(headers['idempotency-key']);
    const answer = url.startsWith('/v1/tasks')
      ? { tasks }
      : url.includes('/fork')
        ? { taskId: 'new' }
        : { timeline: [] };
    response.end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  expect(await openAgentClient(`http://127.0.0.1:${port}`, 'support').recoverFromErrors()).toHaveLength(4);
  expect(keys).toEqual([
    'recovery of a',
    'recovery of execution-1',
    'recovery of execution-2',
    'recovery of execution-3',
  ]);
});
