import type { z } from 'zod';
import { classifyModelFailure } from '../../language/classify-model-failure.ts';
import { ModelError } from '../../language/model-error.ts';

export type JsonPost<Answer> = {
  readonly baseUrl: string;
  /** Begins with a slash. */
  readonly path: string;
  /** Whose the answer should be, and how that looks. */
  readonly protocol: string;
  readonly shape: z.ZodType<Answer>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly signal: AbortSignal;
  /** Removed from every message. */
  readonly secret: string;
};

/** Who ended a call, if its signal did: the deadline, or whoever closed the model. */
const endedBy = (signal: AbortSignal): 'timeout' | 'cancelled' | null =>
  !signal.aborted
    ? null
    : signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError'
      ? 'timeout'
      : 'cancelled';

/** An answer with a success status that is not the protocol's: asking again would not help. */
export const unreadable = (protocol: string): ModelError =>
  new ModelError(`The endpoint does not speak the protocol of ${protocol}.`, {
    reason: 'unreadable',
    retryable: false,
    retryAfterMs: null,
    mayHaveCost: true,
  });

/** One POST, answered by JSON of a shape. @throws ModelError */
export const postJson = async <Answer>(post: JsonPost<Answer>): Promise<Answer> => {
  const parsed = post.shape.safeParse(await answerTo(post));
  if (!parsed.success) throw unreadable(post.protocol);
  return parsed.data;
};

const answerTo = async (post: JsonPost<unknown>): Promise<unknown> => {
  const { baseUrl, path, headers, body, signal, secret } = post;
  let stage: 'asking' | 'responded' = 'asking';
  try {
    const response = await fetch(`${baseUrl.replace(/\/+$/, '')}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      signal,
    });
    const text = await response.text();
    if (!response.ok)
      throw Object.assign(new Error(text.slice(0, 200)), {
        statusCode: response.status,
        responseHeaders: Object.fromEntries(response.headers),
        responseBody: text,
      });
    stage = 'responded';
    return JSON.parse(text) as unknown;
  } catch (thrown) {
    throw classifyModelFailure(thrown, { ended: endedBy(signal), stage, nowMs: Date.now(), secret });
  }
};
