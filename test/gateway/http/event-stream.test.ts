/** Event streams: places, of which one whose client has gone before it was opened takes none, and what waits for a reader. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import Fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { createEventStreams, type EventStream } from '../../../gateway/http/event-stream.ts';
import { until } from '../../support/until.ts';

const fail = (error: unknown): void => {
  throw error;
};

test('opened after its client has gone, it takes no place; the next one does, until it goes', async () => {
  const streams = createEventStreams({ max: 1, onTrouble: fail });
  const gateway = Fastify({ forceCloseConnections: true });
  const opened: (string | undefined)[] = [];
  gateway.get('/:waitMs', async (request, reply) => {
    await sleep(Number((request.params as { readonly waitMs: string }).waitMs));
    try {
      streams.open(reply);
      opened.push(undefined);
    } catch (error) {
      opened.push((error as { readonly code?: string }).code);
      throw error;
    }
  });
  const url = await gateway.listen({ host: '127.0.0.1', port: 0 });
  try {
    const gone = new AbortController();
    const late = fetch(`${url}/300`, { signal: gone.signal }).catch(() => undefined);
    await sleep(50);
    gone.abort();
    await late;
    await until('the late one was to be opened', () => opened.length === 1);
    expect([opened[0], streams.count()]).toEqual(['unavailable', 0]);
    const staying = new AbortController();
    await fetch(`${url}/0`, { signal: staying.signal });
    expect(streams.count()).toBe(1);
    staying.abort();
    await until('its place is free again', () => streams.count() === 0);
  } finally {
    await gateway.close();
  }
});

/** A gateway until the end of the test, whose every stream `work` is done on as soon as it is open. */
const serving = async (
  work: (stream: EventStream) => void,
  stalledMs?: number,
  onTrouble: (error: unknown) => void = fail,
) => {
  const gateway = Fastify({ forceCloseConnections: true });
  const streams = createEventStreams({ ...(stalledMs === undefined ? {} : { stalledMs }), onTrouble });
  gateway.get('/', async (_, reply) => {
    work(streams.open(reply));
  });
  const url = await gateway.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => gateway.close());
  return { url, streams };
};

const dataOf = async (url: string): Promise<readonly unknown[]> =>
  [...(await (await fetch(url)).text()).matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ''));

test('an event of 8 MiB arrives whole, and so does what comes in the same turn', async () => {
  const large = 'x'.repeat(8 * 1024 * 1024);
  const gateway = await serving((stream) => {
    stream.send({ event: 'text', data: 'before' });
    stream.send({ event: 'result', data: large });
    stream.send({ event: 'text', data: 'after' });
    stream.end();
  });
  expect((await dataOf(gateway.url)).map((data) => String(data).length)).toEqual([6, large.length, 5]);
});

test('whoever joins late gets all that came before, in order, and then what comes', async () => {
  const chunks = Array.from({ length: 6_000 }, (_, at) => `${at} ${'x'.repeat(500)}`);
  const gateway = await serving((stream) => {
    stream.replay(chunks.map((data) => ({ event: 'text', data })));
    void turn()
      .then(() => stream.send({ event: 'text', data: 'now' }))
      .then(() => turn())
      .then(() => stream.send({ event: 'result', data: 'done' }))
      .then(() => stream.end());
  });
  expect(await dataOf(gateway.url)).toEqual([...chunks, 'now', 'done']);
});

test('a reader that takes nothing is cut off, and holds no place any more', async () => {
  const opened: EventStream[] = [];
  const gateway = await serving((stream) => opened.push(stream));
  const { port } = new URL(gateway.url);
  const reader = connect(Number(port), '127.0.0.1');
  reader.on('error', () => undefined);
  reader.write('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
  await once(reader, 'readable');
  const [stream] = opened;
  // What the kernel holds for both of them is some MiB; a bound that is passed by far says that nobody was cut off.
  let sent = 0;
  while (stream && !stream.closed.aborted && sent < 2_000) {
    stream.send({ event: 'text', data: 'x'.repeat(64 * 1024) });
    sent += 1;
    await turn();
  }
  expect(stream?.closed.aborted).toBe(true);
  expect(gateway.streams.count()).toBe(0);
  reader.destroy();
});

/** All that came before, and the end: nothing more is ever sent. */
const endingAfter = (events: number, stalledMs: number) =>
  serving((stream) => {
    stream.replay(Array.from({ length: events }, () => ({ event: 'text', data: 'x'.repeat(64 * 1024) })));
    stream.end();
  }, stalledMs);

test('a reader that stops in the middle holds no place for ever, though nothing more is to come', async () => {
  const gateway = await endingAfter(300, 200);
  const reader = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  onTestFinished(() => void reader.destroy());
  reader.pause();
  reader.on('error', () => undefined);
  reader.write('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
  await until('it is open', () => gateway.streams.count() === 1);
  await until('its place is free again', () => gateway.streams.count() === 0);
});

test('one that reads steadily gets all, though that takes longer than it may take nothing', async () => {
  const events = 300;
  const gateway = await endingAfter(events, 400);
  const began = performance.now();
  let bytes = 0;
  for await (const piece of (await fetch(gateway.url)).body ?? []) {
    bytes += piece.length;
    await sleep(3);
  }
  expect(performance.now() - began).toBeGreaterThan(400);
  expect(bytes).toBeGreaterThan(events * 64 * 1024);
});

test('what fails in a stream, at once or later, closes it and ends nothing else', async () => {
  const troubles: unknown[] = [];
  let failing = false;
  const gateway = await serving(
    (stream) => {
      stream.every(10, () => stream.send({ event: 'look', data: 1 }));
      stream.every(20, () => {
        if (failing) throw new Error('at once');
      });
      stream.every(20, async () => {
        if (failing) throw new Error('later');
      });
    },
    undefined,
    (error) => troubles.push(error),
  );
  const answer = await fetch(gateway.url);
  const reader = answer.body?.getReader();
  const first = await reader?.read();
  expect(first?.done).toBe(false);
  failing = true;
  await expect(
    (async () => {
      while ((await reader?.read())?.done === false);
    })(),
  ).rejects.toThrow();
  await until('its place is free', () => gateway.streams.count() === 0);
  expect(troubles.length).toBeGreaterThan(0);
  const told = troubles.length;
  await sleep(100);
  // Nothing goes on behind it.
  expect(troubles.length).toBe(told);
});
