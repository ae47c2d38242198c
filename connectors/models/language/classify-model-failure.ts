import { toError } from '../../../schemas/errors.ts';
import { ModelError, type ModelErrorFacts } from './model-error.ts';
import { retryAfterMs } from './retry-after.ts';

export type FailureContext = {
  /** Ended by the caller, by a deadline, or by neither. */
  readonly ended: 'cancelled' | 'timeout' | null;
  /** How far it came: no response yet, a success status without a readable chunk, or part of an answer. */
  readonly stage: 'asking' | 'responded' | 'answering';
  readonly nowMs: number;
  /** Removed from every message. */
  readonly secret: string;
};

const CONNECTION_LOST = /UND_ERR_SOCKET|ECONNRESET|EPIPE|terminated|premature/i;

/**
 * The ModelError of whatever a call through the multi-provider library threw or streamed as an error. Never throws.
 * Foreign errors are read by shape, and not kept as causes: they carry the whole prompt, and logs are no place for it.
 */
export const classifyModelFailure = (thrown: unknown, context: FailureContext): ModelError => {
  const fail = (message: string, facts: Partial<ModelErrorFacts> & Pick<ModelErrorFacts, 'reason'>) =>
    new ModelError(context.secret === '' ? message : message.replaceAll(context.secret, '…'), {
      retryable: true,
      retryAfterMs: null,
      mayHaveCost: true,
      ...facts,
    });

  if (context.ended === 'cancelled') {
    return fail('The model call was cancelled.', { reason: 'cancelled', retryable: false });
  }
  if (context.ended === 'timeout') return fail('The model did not answer in time.', { reason: 'timeout' });

  const { status, headers, body, text } = readFailure(thrown);
  if (status !== null && (status < 200 || status > 299)) {
    const message = `The model endpoint answered ${status}: ${text}`;
    const wait = { retryAfterMs: retryAfterMs(headers, context.nowMs), mayHaveCost: false };
    // A used-up quota comes as 429 too, and waiting does not help.
    const quota = /insufficient_quota|billing_hard_limit/.test(body);
    if (status === 429 && !quota) return fail(message, { reason: 'rate-limited', ...wait });
    if (status === 408 || status === 409 || status === 425 || status >= 500) {
      return fail(message, { reason: 'overloaded', ...wait, mayHaveCost: status >= 500 });
    }
    return fail(message, { reason: 'refused', retryable: false, mayHaveCost: false });
  }
  const streamedByProvider = !(thrown instanceof Error);
  const cut = streamedByProvider || CONNECTION_LOST.test(text);
  if (context.stage === 'answering' || (context.stage === 'responded' && cut)) {
    return fail(`The model's answer broke off: ${text}`, { reason: 'interrupted' });
  }
  if (context.stage === 'responded' || status !== null) {
    return fail(`The model endpoint does not speak its protocol: ${text}`, {
      reason: 'unreadable',
      retryable: false,
    });
  }
  // Sent or not, who knows: a connection lost before the answer may have been charged, one refused was not.
  const refused = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN/.test(text);
  return fail(`The model endpoint could not be reached: ${text}`, {
    reason: 'unreachable',
    mayHaveCost: !refused,
  });
};

type Failure = {
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly text: string;
};

const readFailure = (thrown: unknown): Failure => {
  const fields: Record<string, unknown> = typeof thrown === 'object' && thrown !== null ? { ...thrown } : {};
  const headers =
    typeof fields.responseHeaders === 'object' && fields.responseHeaders !== null
      ? fields.responseHeaders
      : {};
  const message = typeof fields.message === 'string' ? fields.message : toError(thrown).message;
  const code = typeof fields.code === 'string' ? `${fields.code}: ` : '';
  return {
    status: typeof fields.statusCode === 'number' ? fields.statusCode : null,
    headers: Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name.toLowerCase(), value] as const] : [],
      ),
    ),
    body: typeof fields.responseBody === 'string' ? fields.responseBody : '',
    text: `${code}${causeCode(thrown)}${message}`.slice(0, 300),
  };
};

/** The system's own word for it (ECONNRESET, …) from the error behind, as `fetch failed` alone says nothing. */
const causeCode = (thrown: unknown): string => {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return '';
  return typeof cause.code === 'string' ? `${cause.code}: ` : '';
};
