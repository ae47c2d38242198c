/** Server-sent events: one open answer, bounded in number and in what it holds for a slow reader. */
import type { FastifyReply } from 'fastify';
import { FreshetError } from '../../schemas/errors.ts';

export interface StreamedEvent {
  readonly event: string;
  readonly id?: string;
  readonly data: unknown;
}

export interface EventStream {
  send(event: StreamedEvent): void;
  end(): void;
  readonly closed: AbortSignal;
}

export interface EventStreams {
  /** Takes the answer over. Errors: `too-many-requests`. */
  open(reply: FastifyReply): EventStream;
  count(): number;
}

const MAX_STREAMS = 200;
/** What may wait for a reader: one that falls behind further is cut off and resumes by Last-Event-ID. */
const MAX_WAITING_BYTES = 1024 * 1024;
const KEEP_ALIVE_MS = 15_000;

export const createEventStreams = (max = MAX_STREAMS): EventStreams => {
  let open = 0;
  return {
    count: () => open,
    open: (reply) => {
      if (open >= max)
        throw new FreshetError('too-many-requests', `${max} event streams are open already; close one`);
      // Its end would never be told, and its place never be free again.
      if (reply.raw.destroyed) throw new FreshetError('unavailable', 'whoever asked has gone');
      open += 1;
      const headers = reply.getHeaders();
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        ...(headers as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      const closing = new AbortController();
      const write = (text: string): void => {
        if (closing.signal.aborted) return;
        raw.write(text);
        if (raw.writableLength > MAX_WAITING_BYTES) raw.destroy();
      };
      // Tells the browser how soon to come back, and opens the stream at once.
      write('retry: 1000\n\n');
      const keepAlive = setInterval(() => write(': still here\n\n'), KEEP_ALIVE_MS);
      raw.on('error', () => undefined);
      raw.on('close', () => {
        open -= 1;
        clearInterval(keepAlive);
        closing.abort();
      });
      return {
        closed: closing.signal,
        send: ({ event, id, data }) =>
          // JSON has no line breaks, so neither data nor an id made of it can end the event early.
          write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`),
        end: () => {
          raw.end();
        },
      };
    },
  };
};
