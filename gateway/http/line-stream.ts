/** An answer as lines of JSON, as they come: held back by a slow reader, and ended when it goes. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import { toFreshetError } from '../../schemas/errors.ts';
import { problemOf } from './problem.ts';

export interface LineStream {
  /** Resolves when the reader can take more. */
  line(value: unknown): Promise<void>;
  /** Aborts when the reader is gone. */
  readonly closed: AbortSignal;
}

/** A reader that has taken nothing for so long is gone, whatever its connection says: what works for it may be one of few. */
const STALLED_MS = 60_000;

/** A connection says that it has drained once all of a piece is out: of a long line in one, a steady reader's progress would not show. */
const PIECE_BYTES = 64 * 1024;

/** Resolves when more can be written, or nobody is there to write for. */
const drained = async (raw: ServerResponse, stalledMs: number): Promise<void> => {
  const over = new AbortController();
  const { signal } = over;
  const stalled = sleep(stalledMs, undefined, { signal }).then(() => raw.destroy());
  try {
    await Promise.race([once(raw, 'drain', { signal }), once(raw, 'close', { signal }), stalled]);
  } finally {
    over.abort();
  }
};

/**
 * Runs `work` with the answer as its stream. A failure before the first line is thrown, for a problem with its status;
 * after it, it is the last line, as `{error}`.
 */
export const answerInLines = async (
  reply: FastifyReply,
  work: (stream: LineStream) => Promise<void>,
  stalledMs = STALLED_MS,
): Promise<undefined> => {
  const closing = new AbortController();
  const { raw } = reply;
  let begun = false;
  raw.on('close', () => closing.abort());
  const begin = (): void => {
    if (begun) return;
    begun = true;
    const headers = reply.getHeaders();
    reply.hijack();
    raw.on('error', () => undefined);
    raw.writeHead(200, { ...(headers as Record<string, string>), 'content-type': 'application/x-ndjson' });
  };
  try {
    await work({
      closed: closing.signal,
      line: async (value) => {
        begin();
        const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
        for (let at = 0; at < bytes.length && !closing.signal.aborted; at += PIECE_BYTES)
          if (!raw.write(bytes.subarray(at, at + PIECE_BYTES))) await drained(raw, stalledMs);
      },
    });
    begin();
  } catch (thrown) {
    if (!begun) throw thrown;
    if (!closing.signal.aborted)
      raw.write(`${JSON.stringify({ error: problemOf(toFreshetError(thrown)) })}\n`);
  }
  raw.end();
  return undefined;
};
