import type { IncomingMessage } from 'node:http';
import { ERROR_CODES, type ErrorCode, FreshetError, hasCode, toError } from '../../schemas/errors.ts';
import { withSignals } from '../../schemas/linked-signal.ts';
import type { SearchRequest, SearchResponse, SourceWatermark } from '../../schemas/search.ts';
import { TRACEPARENT } from '../../schemas/trace-context.ts';
import { wellFormed } from '../../schemas/well-formed.ts';
import type {
  HeldDocument,
  IndexReplica,
  IndexStatus,
  RebuildProgress,
  TracedDocument,
} from './index-service.ts';
import type { LaneComparison, LaneService, LanesStatus } from './lane-service.ts';
import { bodyOf, callRole, type RoleCall } from './role-call.ts';

const TIMEOUT_MS = 30_000;
const MEASURE_TIMEOUT_MS = 300_000;
/** At its end two whole indexes are compared. */
const REBUILD_SILENT_MS = 3_600_000;
/** A search of the past reads the log. */
const PAST_TIMEOUT_MS = 300_000;

const isRefused = ({ statusCode = 500 }: IncomingMessage): boolean => statusCode < 200 || statusCode > 299;

const failureOf = (body: unknown, status = 500): FreshetError => {
  const { code, message, details } = (body ?? {}) as {
    code?: string;
    message?: string;
    details?: Readonly<Record<string, unknown>>;
  };
  const known =
    code !== undefined && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'index-unavailable';
  return new FreshetError(known, message ?? `the index role answered ${status}`, details ? { details } : {});
};

/**
 * The index role at a base URL, from another process. Errors: those of the service, and `index-unavailable` when it does not
 * answer or breaks its answer off.
 */
export const openIndexClient = (baseUrl: string): IndexReplica & LaneService => {
  const gone = (thrown: unknown): FreshetError =>
    thrown instanceof FreshetError
      ? thrown
      : new FreshetError(
          'index-unavailable',
          `the index role at ${baseUrl} does not answer; is it running? run: npx freshet doctor`,
          { cause: toError(thrown) },
        );
  const call = async (path: string, asked: RoleCall): Promise<IncomingMessage> => {
    try {
      return await callRole(new URL(path, baseUrl), asked);
    } catch (thrown) {
      throw gone(thrown);
    }
  };
  const read = async (answer: IncomingMessage): Promise<unknown> => {
    try {
      return await bodyOf(answer);
    } catch (thrown) {
      throw gone(thrown);
    }
  };
  const json = async <T>(path: string, asked: RoleCall = {}): Promise<T> => {
    const answer = await call(path, { signal: AbortSignal.timeout(TIMEOUT_MS), ...asked });
    const body = await read(answer);
    if (isRefused(answer)) throw failureOf(body, answer.statusCode);
    if (body === undefined) throw gone(new Error(`${path} answered no JSON`));
    return body as T;
  };
  const lines = async function* <T extends object>(path: string, asked: RoleCall = {}): AsyncGenerator<T> {
    const answer = await call(path, asked);
    if (isRefused(answer)) throw failureOf(await read(answer), answer.statusCode);
    let rest = '';
    try {
      for await (const piece of answer.setEncoding('utf8')) {
        const whole = (rest + piece).split('\n');
        rest = whole.pop() ?? '';
        for (const line of whole) {
          const parsed = JSON.parse(line) as T & { error?: unknown };
          if (parsed.error) throw failureOf(parsed.error);
          yield parsed as Awaited<T>;
        }
      }
    } catch (thrown) {
      throw gone(thrown);
    }
  };
  return {
    search: ({ traceparent, ...request }: SearchRequest, signal?: AbortSignal) =>
      withSignals(
        [signal, AbortSignal.timeout(request.asOf === undefined ? TIMEOUT_MS : PAST_TIMEOUT_MS)],
        (within) =>
          json<SearchResponse>('/search', {
            // It may be the beginning of a longer text, cut anywhere, and is embedded by who may refuse it for that.
            body: { ...request, query: wellFormed(request.query) },
            ...(traceparent !== undefined && { headers: { [TRACEPARENT]: traceparent } }),
            signal: within,
          }),
      ),
    status: () => json<IndexStatus>('/status'),
    lanes: () => json<LanesStatus>('/lanes'),
    measure: (queries) =>
      json<LaneComparison>('/lanes/measure', {
        body: { queries },
        signal: AbortSignal.timeout(MEASURE_TIMEOUT_MS),
      }),
    watermarks: () => json<Readonly<Record<string, SourceWatermark>>>('/watermarks'),
    document: (documentId) =>
      json<TracedDocument>(`/document?id=${encodeURIComponent(documentId)}`).catch((error: unknown) => {
        if (hasCode(error, 'not-found')) return undefined;
        throw error;
      }),
    covers: async (asked, signal) => {
      await withSignals([signal, AbortSignal.timeout(TIMEOUT_MS)], (within) =>
        json('/covers', { body: asked, signal: within }),
      );
    },
    notReady: async () => {
      const answer = await call('/readyz', { signal: AbortSignal.timeout(TIMEOUT_MS) });
      const body = (await read(answer)) as { readonly waitingFor?: string | null } | undefined;
      if (body?.waitingFor === undefined) throw failureOf(body, answer.statusCode);
      return body.waitingFor;
    },
    floor: async (source, table) =>
      (await json<{ readonly version: string | null }>(`/floor?${new URLSearchParams({ source, table })}`))
        .version,
    describe: (documentIds) => json<readonly HeldDocument[]>('/describe', { body: documentIds }),
    restore: async (documentIds) =>
      (await json<{ readonly rows: number }>('/restore', { body: documentIds })).rows,
    list: async function* (source, table) {
      let ended = false;
      const path = `/list?${new URLSearchParams({ source, table })}`;
      for await (const { id, done } of lines<{ id?: string; done?: boolean }>(path)) {
        ended ||= done === true;
        if (id !== undefined) yield id;
      }
      if (!ended) throw new FreshetError('index-unavailable', 'the index role ended within its listing');
    },
    rebuild: () => lines<RebuildProgress>('/rebuild', { method: 'POST', silentMs: REBUILD_SILENT_MS }),
  };
};
