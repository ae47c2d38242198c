/** What commands make of a gateway that goes while it answers, and of Ctrl-C. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { openGatewayClient } from '../../cli/gateway-client.ts';
import { ERROR_CODES } from '../../schemas/errors.ts';

const COMMAND = fileURLToPath(new URL('../../cli/freshet.mjs', import.meta.url));

/** Until the end of the test. */
const gateway = async (answer: (response: ServerResponse) => void) => {
  const server = createServer((_, response) => answer(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${port}` };
};

/** Says the beginning of an answer and is gone, as a gateway that is killed. */
const dying =
  (beginning: string) =>
  (response: ServerResponse): void => {
    response.writeHead(200);
    response.write(beginning, () => response.destroy());
  };

const all = async <T>(items: AsyncIterable<T>): Promise<readonly T[]> => {
  const found: T[] = [];
  for await (const each of items) found.push(each);
  return found;
};

test('an answer that breaks off is a gateway that is not there', async () => {
  const broken = { code: 'unavailable', message: expect.stringContaining('npx freshet doctor') };
  const dead = await gateway(dying('{"tasks": ['));
  const client = openGatewayClient(dead.url);
  await expect(client.get('/v1/tasks')).rejects.toMatchObject(broken);
  await expect(client.post('/v1/tasks', {})).rejects.toMatchObject(broken);
  await expect(client.put('/v1/budgets', {})).rejects.toMatchObject(broken);
  await expect(all(client.lines('/v1/index/rebuild', {}))).rejects.toMatchObject(broken);
  await expect(all(client.events('/v1/stream', new AbortController().signal))).rejects.toMatchObject(broken);
});

test('events end with their signal, before the answer and within it', async () => {
  const aborted = new AbortController();
  const open = await gateway((response) => {
    response.writeHead(200);
    response.write('event: task\ndata: {"state":"pending"}\n\n');
  });
  const client = openGatewayClient(open.url);
  const found: unknown[] = [];
  for await (const { data } of client.events('/', aborted.signal)) {
    found.push(data);
    aborted.abort();
  }
  expect(found).toEqual([{ state: 'pending' }]);
  expect(await all(client.events('/', aborted.signal))).toEqual([]);
});

test('Ctrl-C while a task is watched says that it goes on, and that there is no answer', async () => {
  const open = await gateway((response) => {
    response.writeHead(200);
    response.write('event: task\ndata: {"state":"processing"}\n\n');
  });
  const watching = spawn(process.execPath, [COMMAND, 'task', 'watch', 'task-1', '--json'], {
    env: { ...process.env, FRESHET_GATEWAY: open.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = text(watching.stderr);
  await once(watching.stdout, 'data');
  watching.kill('SIGINT');
  const [code] = await once(watching, 'exit');
  expect(await said).toMatch(/^freshet: check-failed: .*goes on; see: npx freshet task show task-1\n$/);
  expect(code).toBe(ERROR_CODES['check-failed'].exit);
});

test('a list whose reader has gone (`| head -1`) is read no further', async () => {
  const open = await gateway((response) => {
    response.writeHead(200);
    const use = { executionId: 'a', agent: 'b', brought: [], decisions: [], cited: false, ended: true };
    const writing = setInterval(() => response.write(`${JSON.stringify(use)}\n`), 20);
    response.on('close', () => clearInterval(writing));
  });
  const listing = spawn(process.execPath, [COMMAND, 'execution', 'list', '--used', 'shop/1'], {
    env: { ...process.env, FRESHET_GATEWAY: open.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = text(listing.stderr);
  await once(listing.stdout, 'data');
  listing.stdout.destroy();
  const [code] = await once(listing, 'exit');
  expect(await said).toBe('freshet: unavailable: stopped\n');
  expect(code).toBe(ERROR_CODES.unavailable.exit);
});
