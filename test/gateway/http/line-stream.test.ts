/** Answers in lines: held back by a slow reader, and ended for one that takes nothing any more. */
import { connect } from 'node:net';
import Fastify from 'fastify';
import { expect, onTestFinished, test } from 'vitest';
import { answerInLines } from '../../../gateway/http/line-stream.ts';
import { until } from '../../support/until.ts';

const LINE = { text: 'x'.repeat(64 * 1024) };
const LINES = 1_000;

const serving = async (stalledMs: number, sent: object = LINE, lines = LINES) => {
  const told = { lines: 0, ended: false, closed: false };
  const gateway = Fastify({ forceCloseConnections: true });
  gateway.get('/', (_, reply) =>
    answerInLines(
      reply,
      async ({ line, closed }) => {
        while (told.lines < lines && !closed.aborted) {
          await line(sent);
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

test('one that reads steadily gets a line to its end, though that takes longer than it may take nothing', async () => {
  const long = { text: 'x'.repeat(48 * 1024 * 1024) };
  const { url, told } = await serving(700, long, 1);
  const response = await fetch(url);
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.length;
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
  expect(told).toEqual({ lines: 1, ended: true, closed: false });
  expect(bytes).toBe(JSON.stringify(long).length + 1);
});
