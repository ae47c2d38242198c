/** The gateway over HTTP, as commands use it: problem+json becomes the error it names. */
import { ERROR_CODES, type ErrorCode, FreshetError, toError } from '../schemas/errors.ts';

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
}

export interface GatewayClient {
  get<T>(path: string, query?: Readonly<Record<string, string | undefined>>): Promise<T>;
  post<T>(path: string, body: unknown, headers?: Readonly<Record<string, string>>): Promise<T>;
  put<T>(path: string, body: unknown): Promise<T>;
  /** Server-sent events as they come, until the stream ends or the signal aborts. */
  events(
    path: string,
    signal: AbortSignal,
  ): AsyncIterable<{ readonly event: string; readonly id: string; readonly data: unknown }>;
  /** Lines of JSON as they come, until the signal aborts, which throws its reason; of a GET where there is no body. */
  lines<T>(
    path: string,
    body?: unknown,
    query?: Readonly<Record<string, string | undefined>>,
    signal?: AbortSignal,
  ): AsyncIterable<T>;
}

const failureOf = async (response: Response): Promise<FreshetError> =>
  failureFrom(
    (await response.json().catch(() => ({}))) as Problem,
    `the gateway answered ${response.status}`,
  );

const failureFrom = (problem: Problem, unsaid: string): FreshetError => {
  const code =
    problem.code !== undefined && Object.hasOwn(ERROR_CODES, problem.code)
      ? (problem.code as ErrorCode)
      : 'unavailable';
  return new FreshetError(code, problem.detail ?? problem.title ?? unsaid);
};

const withQuery = (path: string, query: Readonly<Record<string, string | undefined>>): string => {
  const search = new URLSearchParams(
    Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return search.size > 0 ? `${path}?${search.toString()}` : path;
};

/** Errors of all: `unavailable` where the gateway does not answer, or breaks its answer off; what it refused, as it says. */
export const openGatewayClient = (baseUrl: string): GatewayClient => {
  const call = async (path: string, init: RequestInit): Promise<Response> => {
    let response: Response;
    try {
      response = await fetch(new URL(path, baseUrl), init);
    } catch (thrown) {
      throw new FreshetError(
        'unavailable',
        `the gateway at ${baseUrl} does not answer; run: npx freshet doctor`,
        { cause: toError(thrown) },
      );
    }
    if (!response.ok) throw await failureOf(response);
    return response;
  };
  const posted = (body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const brokenOff = (thrown: unknown): FreshetError =>
    new FreshetError(
      'unavailable',
      `the gateway at ${baseUrl} broke off its answer; run: npx freshet doctor`,
      { cause: toError(thrown) },
    );
  const bodyOf = async <T>(response: Response): Promise<T> => {
    try {
      return (await response.json()) as T;
    } catch (thrown) {
      throw brokenOff(thrown);
    }
  };
  const textLines = async function* (response: Response): AsyncIterable<string> {
    let rest = '';
    try {
      for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const lines = (rest + piece).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      }
    } catch (thrown) {
      throw brokenOff(thrown);
    }
  };
  return {
    get: async <T>(path: string, query: Readonly<Record<string, string | undefined>> = {}) =>
      bodyOf<T>(await call(withQuery(path, query), {})),
    post: async <T>(path: string, body: unknown, headers?: Readonly<Record<string, string>>) =>
      bodyOf<T>(await call(path, posted(body, headers))),
    put: async <T>(path: string, body: unknown) =>
      bodyOf<T>(await call(path, { ...posted(body), method: 'PUT' })),
    lines: async function* <T>(
      path: string,
      body?: unknown,
      query: Readonly<Record<string, string | undefined>> = {},
      signal?: AbortSignal,
    ) {
      const asked = { ...(body !== undefined && posted(body)), ...(signal && { signal }) };
      try {
        const response = await call(withQuery(path, query), asked);
        for await (const line of textLines(response)) {
          if (line === '') continue;
          const parsed = JSON.parse(line) as T & { readonly error?: Problem };
          // What broke off a stream that had begun is its last line.
          if (parsed.error?.code !== undefined) throw failureFrom(parsed.error, 'the answer broke off');
          yield parsed;
        }
      } catch (thrown) {
        signal?.throwIfAborted();
        throw thrown;
      }
    },
    events: async function* (path, signal) {
      let event = 'message';
      let id = '';
      let data = '';
      try {
        const response = await call(path, { signal, headers: { accept: 'text/event-stream' } });
        for await (const raw of textLines(response)) {
          const line = raw.replace(/\r$/, '');
          if (line.startsWith('event:')) event = line.slice(6).trim();
          else if (line.startsWith('id:')) id = line.slice(3).trim();
          else if (line.startsWith('data:')) data += line.slice(5).trim();
          else if (line === '' && data !== '') {
            yield { event, id, data: JSON.parse(data) as unknown };
            event = 'message';
            data = '';
          }
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
};
