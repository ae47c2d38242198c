/** Answers in lines: held back by a slow reader, and ended for one that takes nothing any more. */
import { connect } from 'node:net';
import Fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { answerInLines } from '../../../gateway/http/line-stream.ts';
import { until } from '../../support/until.ts';

const LINE = { text: 'x'.repeat(64 * 1024) };
const LINES = 1_000;

const serving = async (stalledMs: number) => {
  const told = { lines: 0, ended: false, closed: false };
  const gateway = Fastify({ forceCloseConnections: true });
  gateway.get('/', (_, reply) =>
    answerInLines(
      reply,
      async ({ line, closed }) => {
        while (told.lines < LINES && !closed.aborted) {
          await line(LINE);
          told.lines += 1;
        }
        told.closed = closed.aborted;
        told.ended = true;
      },
      stalledMs,
    ),
  );
  const url = await gateway.listen({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => gateway.close());
  return { url, told };
};

test('a reader that takes nothing any more does not hold its work for ever', async () => {
  const { url, told } = await serving(200);
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.pause();
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: gateway\r\n\r\n');
  await until('its work has ended', () => told.ended);
  expect(told.closed).toBe(true);
  expect(told.lines).toBeLessThan(LINES);
});

test('one that is slow gets all of it', async () => {
  const { url, told } = await serving(2_000);
  const response = await fetch(url);
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    if (bytes % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(told).toEqual({ lines: LINES, ended: true, closed: false });
  expect(bytes).toBe(LINES * (JSON.stringify(LINE).length + 1));
});
