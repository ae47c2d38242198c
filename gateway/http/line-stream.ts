/** An answer as lines of JSON, as they come: held back by a slow reader, and ended when it goes. */
import { once } from 'node:events';
import type { FastifyReply } from 'fastify';
import { toFreshetError } from '../../schemas/errors.ts';
import { problemOf } from './problem.ts';

export interface LineStream {
  /** Resolves when the reader can take more. */
  line(value: unknown): Promise<void>;
  /** Aborts when the reader is gone. */
  readonly closed: AbortSignal;
}

/**
 * Runs `work` with the answer as its stream. A failure before the first line is thrown, for a problem with its status;
 * after it, it is the last line, as `{error}`.
 */
export const answerInLines = async (
  reply: FastifyReply,
  work: (stream: LineStream) => Promise<void>,
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
        if (closing.signal.aborted || raw.write(`${JSON.stringify(value)}\n`)) return;
        await Promise.race([once(raw, 'drain'), once(raw, 'close')]);
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
