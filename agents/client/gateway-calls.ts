/** Calls of the gateway as a client makes them: problems become the errors they name, and what passes is tried again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { retryAfterMs } from '../../connectors/models/language/retry-after.ts';
import { ERROR_CODES, type ErrorCode, FreshetError, toError } from '../../schemas/errors.ts';
import { withSignals } from '../../schemas/linked-signal.ts';

export interface GatewayCalls {
  get<T>(path: string, signal?: AbortSignal): Promise<T>;
  post<T>(
    path: string,
    body: unknown,
    more?: { readonly headers?: Readonly<Record<string, string>>; readonly signal?: AbortSignal },
  ): Promise<T>;
  /**
   * Tries again what failed for a reason that passes, with a growing pause, and no sooner than it was told to (Retry-After), for a
   * minute. Told to wait for longer than that, it gives up at once.
   */
  persist<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

const CALL_WITHIN_MS = 30_000;
const PERSIST_MS = 60_000;
const FIRST_PAUSE_MS = 200;
const MAX_PAUSE_MS = 5_000;
const PASSING: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'unavailable',
  'append-failed',
  'kafka-unavailable',
  'too-many-requests',
]);

const failureOf = async (response: Response): Promise<FreshetError> => {
  const problem = (await response.json().catch(() => ({}))) as {
    readonly code?: string;
    readonly detail?: string;
  };
  const known = problem.code !== undefined && Object.hasOwn(ERROR_CODES, problem.code);
  const code = known ? (problem.code as ErrorCode) : 'unavailable';
  const message = problem.detail ?? `the gateway answered ${response.status}`;
  const waitMs = retryAfterMs({ 'retry-after': response.headers.get('retry-after') ?? '' }, Date.now());
  return new FreshetError(code, message, waitMs === null ? {} : { details: { retryAfterMs: waitMs } });
};

const toldToWaitMs = ({ details }: FreshetError): number =>
  typeof details?.retryAfterMs === 'number' ? details.retryAfterMs : 0;

export const openGateway = (url: string): GatewayCalls => {
  const call = <T>(path: string, init: RequestInit, signal?: AbortSignal): Promise<T> =>
    withSignals([signal, AbortSignal.timeout(CALL_WITHIN_MS)], async (within) => {
      let response: Response;
      try {
        response = await fetch(new URL(path, url), { ...init, signal: within });
      } catch (thrown) {
        signal?.throwIfAborted();
        throw new FreshetError('unavailable', `the gateway at ${url} does not answer`, {
          cause: toError(thrown),
        });
      }
      if (!response.ok) throw await failureOf(response);
      return (await response.json()) as T;
    });
  return {
    get: (path, signal) => call(path, {}, signal),
    post: (path, body, { headers = {}, signal } = {}) =>
      call(
        path,
        {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body: JSON.stringify(body),
        },
        signal,
      ),
    persist: async (attempt, signal) => {
      const end = performance.now() + PERSIST_MS;
      for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(MAX_PAUSE_MS, 2 * pause)) {
        try {
          return await attempt();
        } catch (thrown) {
          const passes = thrown instanceof FreshetError && PASSING.has(thrown.code);
          const wait = passes ? Math.max(pause, toldToWaitMs(thrown)) : 0;
          if (!passes || performance.now() + wait > end) throw thrown;
          await sleep(wait, undefined, signal ? { signal } : {});
        }
      }
    },
  };
};
