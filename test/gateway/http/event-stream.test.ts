/** Places of event streams: one whose client has gone before it was opened takes none. */
import { setTimeout as sleep } from 'node:timers/promises';
import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { createEventStreams } from '../../../gateway/http/event-stream.ts';
import { until } from '../../support/until.ts';

test('opened after its client has gone, it takes no place; the next one does, until it goes', async () => {
  const streams = createEventStreams(1);
  const gateway = Fastify();
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
