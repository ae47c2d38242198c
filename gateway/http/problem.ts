/** Every error of the API as application/problem+json (RFC 9457), with a code of the closed list. */
import { ERROR_CODES, type ErrorCode, FreshetError, toFreshetError } from '../../schemas/errors.ts';

export const PROBLEM_TYPE = 'application/problem+json';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  /** What a program may want to know beside the code; of `stale`: how far behind the index is; of tasks refused by rate: `retryAfterSeconds`. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** Fastify's own refusals, in our words. */
const FOREIGN_CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['request-too-large', 'the body is larger than 1 MiB'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['request-invalid', 'send the body as content-type: application/json'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['request-invalid', 'content-length does not fit the body'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['request-invalid', 'the body is empty'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['request-invalid', 'the body is not valid JSON'],
  FST_ERR_BAD_URL: ['request-invalid', 'the URL cannot be read'],
  FST_ERR_MAX_PARAM_LENGTH: ['request-invalid', 'a part of the path is too long'],
};

/** The Freshet error behind whatever a route or Fastify threw. Never throws. */
export const errorOfRequest = (thrown: unknown): FreshetError => {
  if (thrown instanceof FreshetError) return thrown;
  const { code, statusCode } = (thrown ?? {}) as { code?: unknown; statusCode?: unknown };
  const known = typeof code === 'string' ? FOREIGN_CODES[code] : undefined;
  if (known) return new FreshetError(known[0], known[1], { cause: thrown });
  if (statusCode === 413)
    return new FreshetError('request-too-large', 'the body is too large', { cause: thrown });
  // Refused by the parser: its message may quote the body, so it is not passed on.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new FreshetError('request-invalid', 'the request cannot be read: is the body valid JSON?', {
      cause: thrown,
    });
  return toFreshetError(thrown);
};

export const problemOf = ({ code, message, details }: FreshetError): Problem => ({
  type: `urn:freshet:error:${code}`,
  title: code.replaceAll('-', ' '),
  status: ERROR_CODES[code].status,
  code,
  // What went wrong inside may name files and addresses: that is for the log.
  detail: code === 'internal' ? 'the gateway failed; its log says why' : message,
  ...(details && code !== 'internal' ? { details } : {}),
});

/** Seconds after which trying again makes sense: what the error says, else what its code does. */
export const retryAfterOf = ({ code, details }: FreshetError): number | undefined => {
  if (typeof details?.retryAfterSeconds === 'number') return details.retryAfterSeconds;
  return code === 'too-many-requests' ? 1 : ERROR_CODES[code].status === 503 ? 2 : undefined;
};
