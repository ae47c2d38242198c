/** Server-sent events: one open answer, bounded in number and in what it holds for a slow reader. */
import type { FastifyReply } from 'fastify';
import { FreshetError } from '../../schemas/errors.ts';

export interface StreamedEvent {
  readonly event: string;
  readonly id?: string;
  readonly data: unknown;
}

export interface EventStream {
  /** What happens now. A reader that is too far behind by then is cut off, and resumes by Last-Event-ID. */
  send(event: StreamedEvent): void;
  /** What happened before and the reader asked for: as fast as it reads, and never a reason to cut it off. */
  replay(events: readonly StreamedEvent[]): void;
  /** Does it now, and every so many milliseconds until the stream is closed, which is what an error of it does. */
  every(ms: number, act: () => unknown): void;
  /** Once everything is sent. */
  end(): void;
  readonly closed: AbortSignal;
}

export interface EventStreams {
  /** Takes the answer over. Errors: `too-many-requests`. */
  open(reply: FastifyReply): EventStream;
  count(): number;
}

const MAX_STREAMS = 200;
/** What of earlier turns of this process may still wait for a reader when the next event comes. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** A reader that has taken nothing of what waits for so long is gone, whatever its connection says. */
const STALLED_MS = 60_000;
/** How many times within that it is looked after, and told that the stream is open. */
const LOOKS = 4;
/** A connection says that it has taken a piece once all of it is out: of a long one a steady reader's progress would not show. */
const PIECE_BYTES = 64 * 1024;

const NOTHING = Buffer.alloc(0);

interface Waiting {
  readonly text: () => Buffer;
  /** 0 for what is replayed. */
  readonly bytes: number;
}

// JSON has no line breaks, so neither data nor an id made of it can end the event early.
const textOf = ({ event, id, data }: StreamedEvent): Buffer =>
  Buffer.from(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);

export interface EventStreamsSettings {
  readonly max?: number;
  readonly stalledMs?: number;
  /** A stream is closed for it; whoever reads it comes back. */
  readonly onTrouble: (error: unknown) => void;
}

export const createEventStreams = (settings: EventStreamsSettings): EventStreams => {
  const { max = MAX_STREAMS, stalledMs = STALLED_MS, onTrouble } = settings;
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
      const waiting: Waiting[] = [];
      let waitingBytes = 0;
      /** Of the event that is being written. */
      let rest: Buffer = NOTHING;
      let full = false;
      let ending = false;
      let sameTurn = false;
      let takenAt = performance.now();
      const taken = (): void => {
        takenAt = performance.now();
      };

      const flush = (): void => {
        while (!full) {
          if (rest.length === 0) {
            const next = waiting.shift();
            if (!next) break;
            waitingBytes -= next.bytes;
            rest = next.text();
          }
          full = !raw.write(rest.subarray(0, PIECE_BYTES), taken);
          rest = rest.subarray(PIECE_BYTES);
        }
        if (ending && waiting.length === 0 && rest.length === 0) raw.end();
      };
      const add = (more: readonly Waiting[]): void => {
        if (closing.signal.aborted || ending) return;
        for (const each of more) {
          waiting.push(each);
          waitingBytes += each.bytes;
        }
        flush();
      };
      /** Nothing leaves within a turn, however fast it is read: what comes in one, be it 8 MiB, says nothing of the reader. */
      const isTooFarBehind = (): boolean => {
        if (sameTurn) return false;
        sameTurn = true;
        setImmediate(() => {
          sameTurn = false;
        });
        return waitingBytes > MAX_WAITING_BYTES;
      };

      // Tells the browser how soon to come back, and opens the stream at once.
      full = !raw.write('retry: 1000\n\n', taken);
      const look = setInterval(() => {
        if (raw.writableLength === 0) taken();
        if (performance.now() - takenAt >= stalledMs) raw.destroy();
        else if (!full && !ending && rest.length === 0) raw.write(': still here\n\n', taken);
      }, stalledMs / LOOKS);
      raw.on('drain', () => {
        full = false;
        flush();
      });
      raw.on('error', () => undefined);
      raw.on('close', () => {
        open -= 1;
        clearInterval(look);
        waiting.length = 0;
        closing.abort();
      });
      return {
        closed: closing.signal,
        send: (event) => {
          if (isTooFarBehind()) {
            raw.destroy();
            return;
          }
          const text = textOf(event);
          add([{ text: () => text, bytes: text.length }]);
        },
        every: (ms, act) => {
          const tryIt = (): void => {
            // Within a promise: what it throws at once, too.
            Promise.resolve()
              .then(act)
              .catch((error: unknown) => {
                raw.destroy();
                onTrouble(error);
              });
          };
          const timer = setInterval(tryIt, ms);
          closing.signal.addEventListener('abort', () => clearInterval(timer));
          tryIt();
        },
        replay: (events) => add(events.map((event) => ({ text: () => textOf(event), bytes: 0 }))),
        end: () => {
          ending = true;
          flush();
        },
      };
    },
  };
};
