/** A webhook whose address holds a user: posted with it, and never told of. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { postWebhook } from '../../../connectors/webhook/post-webhook.ts';

const server = createServer();
afterEach(() => {
  server.close();
});

test('a user in its address goes as a header, and no failure shows the address', async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const address = `http://alerts:s3cret%21@127.0.0.1:${port}/hook?key=s3cret`;
  const gone = new AbortController();
  const access: (string | undefined)[] = [];
  server.on('request', (request, response) => {
    access.push(request.headers.authorization);
    if (access.length === 1) return response.end();
    gone.abort();
    return request.socket.destroy();
  });
  await postWebhook(address, { alert: 'firing' }, gone.signal);
  expect(access).toEqual([`Basic ${Buffer.from('alerts:s3cret!').toString('base64')}`]);
  const failure = await postWebhook(address, {}, gone.signal).catch((error: Error) => error);
  expect(failure).toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('did not take one'),
  });
  expect(JSON.stringify(failure) + String(failure)).not.toContain('s3cret');
});
