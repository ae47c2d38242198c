import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, inject, test } from 'vitest';
import { openRedisConnection } from '../../../connectors/redis/redis-connection.ts';
import { until } from '../../support/until.ts';

test('a server that was too slow to say who it is when it was connected to is asked again', async () => {
  const { hostname, port } = new URL(inject('stack').redis);
  const sockets: Socket[] = [];
  let held: (() => void) | undefined;
  let slow = true;
  // Holds the question for the run id, and all that is asked after it, until the test lets it go.
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    sockets.push(client, server);
    for (const socket of [client, server]) socket.on('error', () => undefined);
    server.pipe(client);
    client.on('data', (piece) => {
      if (slow && piece.includes('server')) {
        slow = false;
        client.pause();
        held = () => {
          server.write(piece);
          client.resume();
        };
      } else server.write(piece);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const connection = openRedisConnection(`redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  try {
    await until('it was asked', () => held);
    // Its patience ends before the answer comes.
    await expect(connection.use(async () => 'used')).rejects.toMatchObject({ code: 'unavailable' });
    held?.();
    const answer = () => connection.use((redis) => redis.ping()).catch(() => undefined);
    expect(await until('it is used', answer)).toBe('PONG');
  } finally {
    await connection.close();
    for (const socket of sockets) socket.destroy();
    proxy.close();
  }
});
