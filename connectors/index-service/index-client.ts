import { ERROR_CODES, type ErrorCode, FreshetError, toError } from '../../schemas/errors.ts';
import type { SearchRequest, SearchResponse, SourceWatermark } from '../../schemas/search.ts';
import type { IndexService, IndexStatus, RebuildProgress, TracedDocument } from './index-service.ts';

const TIMEOUT_MS = 30_000;

const failureOf = (body: unknown, status: number): FreshetError => {
  const { code, message, details } = (body ?? {}) as {
    code?: string;
    message?: string;
    details?: Readonly<Record<string, unknown>>;
  };
  const known =
    code !== undefined && Object.hasOwn(ERROR_CODES, code) ? (code as ErrorCode) : 'index-unavailable';
  return new FreshetError(known, message ?? `the index role answered ${status}`, details ? { details } : {});
};

/** The index role at a base URL, from another process. Errors: those of the service, and `index-unavailable` when it does not answer. */
export const openIndexClient = (baseUrl: string): IndexService => {
  const call = async (path: string, init: RequestInit): Promise<Response> => {
    try {
      return await fetch(new URL(path, baseUrl), init);
    } catch (thrown) {
      const error = toError(thrown);
      throw new FreshetError(
        'index-unavailable',
        `the index role at ${baseUrl} does not answer; is it running? run: npx freshet doctor`,
        { cause: error },
      );
    }
  };
  const json = async <T>(path: string, init: RequestInit = {}): Promise<T> => {
    const response = await call(path, { signal: AbortSignal.timeout(TIMEOUT_MS), ...init });
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw failureOf(body, response.status);
    return body as T;
  };
  return {
    search: (request: SearchRequest, signal?: AbortSignal) =>
      json<SearchResponse>('/search', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(request),
        ...(signal ? { signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) } : {}),
      }),
    status: () => json<IndexStatus>('/status'),
    watermarks: () => json<Readonly<Record<string, SourceWatermark>>>('/watermarks'),
    document: (documentId) =>
      json<TracedDocument>(`/document?id=${encodeURIComponent(documentId)}`).catch((error: unknown) => {
        if (error instanceof FreshetError && error.code === 'not-found') return undefined;
        throw error;
      }),
    rebuild: async function* () {
      const response = await call('/rebuild', { method: 'POST' });
      if (!response.ok || !response.body)
        throw failureOf(await response.json().catch(() => undefined), response.status);
      let rest = '';
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + piece).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const parsed = JSON.parse(line) as RebuildProgress & { error?: unknown };
          if (parsed.error) throw failureOf(parsed.error, 500);
          yield parsed;
        }
      }
    },
  };
};
