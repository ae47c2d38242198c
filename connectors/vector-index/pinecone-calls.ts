/**
 * Calls of the Pinecone library, made reliable: it tries no 429 and no lost connection again, and its errors carry neither
 * status nor Retry-After, so its own tries are switched off and ours stand in the fetch it is given, which also reads the LSN headers.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { type Index, Pinecone } from '@pinecone-database/pinecone';
import { FreshetError, toError } from '../../schemas/errors.ts';
import {
  type BreakerState,
  createGuardedCalls,
  type GuardedCalls,
  type GuardLimits,
} from '../guarded-calls/guarded-calls.ts';
import { retryAfterMs } from '../models/language/retry-after.ts';

/** Each kind has places and a breaker of its own: a search stands behind no round of writes, nor falls with what fails in one. */
export type PineconeCallKind = 'searches' | 'writes';

export interface PineconeCallSettings {
  /** Base URL of the index's data plane. */
  readonly host: string;
  readonly apiKey: string;
  readonly limits: Partial<GuardLimits>;
  readonly onBreaker?: (state: BreakerState, calls: PineconeCallKind) => void;
}

const DEFAULT_CALL_LIMITS: GuardLimits = {
  concurrency: 8,
  attempts: 6,
  timeoutMs: 20_000,
  firstBackoffMs: 200,
  maxBackoffMs: 30_000,
  breakAfter: 8,
  openMs: 3_000,
};

export interface Called<T> {
  readonly value: T;
  /** Of a write: it is searchable once a read of its namespace says an indexed LSN as high. Null: none was said. */
  readonly requestLsn: number | null;
  /** Of a read: every write up to it is in the answer. */
  readonly indexedLsn: number | null;
}

/** A refusal with its status. 413 and 400 speak of the request, 404 of a namespace that holds nothing. */
export class PineconeRefusal extends Error {
  readonly status: number;
  readonly retryAfterMs: number | null;
  constructor(status: number, message: string, wait: number | null) {
    super(message);
    this.status = status;
    this.retryAfterMs = wait;
  }
}

/** As an error of an index. Errors: `config-invalid` for a key that is refused, else `index-unavailable`. */
export const refused = (thrown: unknown): never => {
  if (thrown instanceof PineconeRefusal)
    throw new FreshetError(
      thrown.status === 401 || thrown.status === 403 ? 'config-invalid' : 'index-unavailable',
      thrown.message,
      { cause: thrown },
    );
  throw thrown;
};

interface Seen {
  readonly guard: GuardedCalls;
  requestLsn: number | null;
  indexedLsn: number | null;
  failure: Error | null;
}

const lsn = (headers: Headers, name: string): number | null => {
  const text = headers.get(name);
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : null;
};

export const openPineconeCalls = (settings: PineconeCallSettings) => {
  const seen = new AsyncLocalStorage<Seen>();
  const guardOf = (kind: PineconeCallKind): GuardedCalls =>
    createGuardedCalls({
      ...DEFAULT_CALL_LIMITS,
      ...settings.limits,
      judge: (error) => {
        if (!(error instanceof PineconeRefusal)) return { retry: true, afterMs: null, down: true };
        const down = error.status >= 500 || error.status === 408;
        return { retry: down || error.status === 429, afterMs: error.retryAfterMs, down };
      },
      refusal: (why) => new FreshetError('index-unavailable', `Pinecone is not asked: ${why}.`),
      onBreaker: (state) => settings.onBreaker?.(state, kind),
    });
  const guards = { searches: guardOf('searches'), writes: guardOf('writes') };

  const fetchApi = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const store = seen.getStore();
    try {
      return await (store?.guard ?? guards.writes).run(async (signal) => {
        const response = await fetch(input, { ...init, signal });
        // Read here, so that a body that hangs is under the deadline and tried again too.
        const body = await response.arrayBuffer();
        if (!response.ok)
          throw new PineconeRefusal(
            response.status,
            `Pinecone answered ${response.status}: ${new TextDecoder().decode(body).slice(0, 200)}`,
            retryAfterMs(Object.fromEntries(response.headers), Date.now()),
          );
        if (store) {
          store.requestLsn = lsn(response.headers, 'x-pinecone-request-lsn');
          store.indexedLsn = lsn(response.headers, 'x-pinecone-max-indexed-lsn');
        }
        return new Response(body, { status: response.status, headers: response.headers });
      });
    } catch (thrown) {
      if (store) store.failure = toError(thrown);
      throw thrown;
    }
  };

  const index = new Pinecone({ apiKey: settings.apiKey, maxRetries: 0, fetchApi }).index({
    host: settings.host,
  });

  return {
    /** What looks whether a write is there yet counts among writes. Errors: PineconeRefusal where the status says that asking again does not help; else `index-unavailable`. */
    call: async <T>(
      work: (index: Index) => Promise<T>,
      kind: PineconeCallKind = 'writes',
    ): Promise<Called<T>> => {
      const store: Seen = { guard: guards[kind], requestLsn: null, indexedLsn: null, failure: null };
      try {
        const value = await seen.run(store, () => work(index));
        return { value, requestLsn: store.requestLsn, indexedLsn: store.indexedLsn };
      } catch (thrown) {
        const failure = store.failure ?? toError(thrown);
        if (failure instanceof FreshetError) throw failure;
        if (failure instanceof PineconeRefusal && failure.status < 500 && failure.status !== 429)
          throw failure;
        throw new FreshetError(
          'index-unavailable',
          `Pinecone at ${settings.host} does not serve: ${failure.message}`.replaceAll(settings.apiKey, '…'),
        );
      }
    },
    close: (): void => {
      for (const guard of Object.values(guards)) guard.close();
    },
  };
};

export type PineconeCalls = ReturnType<typeof openPineconeCalls>;
