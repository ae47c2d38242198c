import { classifyModelFailure } from '../../language/classify-model-failure.ts';

export type JsonPost = {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly signal: AbortSignal;
  /** Removed from every message. */
  readonly secret: string;
};

/** Who ended a call, if its signal did: the deadline, or whoever closed the model. */
export const endedBy = (signal: AbortSignal): 'timeout' | 'cancelled' | null =>
  !signal.aborted
    ? null
    : signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError'
      ? 'timeout'
      : 'cancelled';

/** One POST, answered by JSON. @throws ModelError */
export const postJson = async ({ url, headers, body, signal, secret }: JsonPost): Promise<unknown> => {
  let stage: 'asking' | 'responded' = 'asking';
  try {
    const response = await fetch(url, {
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
