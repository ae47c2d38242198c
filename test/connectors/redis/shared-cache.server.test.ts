/** On the Redis of the run, through a door that can be shut: gone, silent, and back. */
import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, inject, test } from 'vitest';
import { openSharedCache, type SharedCache } from '../../../connectors/redis/shared-cache.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** Where nothing is to be late: a slow machine's Redis takes longer than a cache waits, which then rests. */
const PATIENT = { timeoutMs: 20_000 };

const open = (url: string, settings: Partial<Parameters<typeof openSharedCache>[0]> = {}): SharedCache => {
  const cache = openSharedCache({ url, ...settings });
  closing.push(cache.close);
  return cache;
};

/** Connects in the background: asks until something that was put is there. */
const ready = async (cache: SharedCache): Promise<void> => {
  const key = `ready:${randomUUID()}`;
  await expect
    .poll(async () => {
      await cache.set(key, 'yes', 5_000);
      return cache.get(key);
    })
    .toBe('yes');
};

/** Before Redis: `silent` takes requests and answers none. */
const openDoor = async (url: string) => {
  const { hostname, port } = new URL(url);
  const sockets = new Set<Socket>();
  let silent = false;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.on('data', (bytes) => silent || upstream.write(bytes));
    upstream.on('data', (bytes) => client.write(bytes));
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  const listen = (at: number) => new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  await listen(0);
  const own = (server.address() as AddressInfo).port;
  const shut = async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  closing.push(shut);
  return {
    url: `redis://127.0.0.1:${own}`,
    shut,
    reopen: () => listen(own),
    silence: (be: boolean) => (silent = be),
  };
};

test('what one process keeps another finds, until its time is over', async () => {
  const { redis } = inject('stack');
  const [one, other] = [open(redis, PATIENT), open(redis, PATIENT)];
  await Promise.all([ready(one), ready(other)]);
  const key = `test:${randomUUID()}`;
  expect(await other.get(key)).toBeNull();
  await one.set(key, 'kept', 600_000);
  expect(await other.get(key)).toBe('kept');
  await one.set(key, 'kept for a moment', 100);
  await expect.poll(() => other.get(key)).toBeNull();
});

test('Redis away: nothing is found, nothing is thrown, nobody waits; back again, it is used again', async () => {
  const door = await openDoor(inject('stack').redis);
  const told: boolean[] = [];
  const cache = open(door.url, { ...PATIENT, restMs: 50, onChange: (reachable) => told.push(reachable) });
  await ready(cache);
  await cache.set('gone', 'x', 5_000);
  await door.shut();
  const began = performance.now();
  for (let look = 0; look < 20; look += 1) {
    expect(await cache.get('gone')).toBeNull();
    await cache.set('gone', 'y', 5_000);
  }
  // Forty calls that waited for Redis's answer would take forty seconds.
  expect(performance.now() - began).toBeLessThan(5_000);
  await expect.poll(() => told.includes(false)).toBe(true);
  await door.reopen();
  await ready(cache);
  expect(told.at(-1)).toBe(true);
});

test('Redis silent: a look ends after its time, and those after it do not wait', async () => {
  const door = await openDoor(inject('stack').redis);
  const cache = open(door.url, { timeoutMs: 500, restMs: 60_000 });
  await ready(cache);
  door.silence(true);
  const began = performance.now();
  expect(await cache.get('any')).toBeNull();
  for (let look = 0; look < 20; look += 1) expect(await cache.get('any')).toBeNull();
  // Were each to wait, it would take ten seconds.
  expect(performance.now() - began).toBeLessThan(5_000);
});

test('an address where nobody listens is no error', async () => {
  const cache = open('redis://127.0.0.1:1');
  expect(await cache.get('any')).toBeNull();
  await expect(cache.set('any', 'x', 100)).resolves.toBeUndefined();
});
