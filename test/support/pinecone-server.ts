/**
 * A local server that speaks Pinecone's data plane as the library's requests were captured (November 2026): upsert, query with
 * cosine and filters, fetch, list, delete, describe_index_stats. Every namespace is eventually consistent: a write gets an LSN at once
 * and shows after `staleMs`, and reads say up to which LSN they see. Limits and faults are those the documentation names.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Stored {
  readonly id: string;
  readonly values: readonly number[];
  readonly metadata?: Readonly<Record<string, unknown>>;
}
interface Namespace {
  readonly seen: Map<string, Stored>;
  waiting: {
    readonly lsn: number;
    readonly at: number;
    readonly apply: (seen: Map<string, Stored>) => void;
  }[];
  lsn: number;
  indexedLsn: number;
}
export type PineconeFault =
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' }
  /** Half of an upsert is written, then it answers 503. */
  | { readonly kind: 'half' };

export interface PineconeServer {
  readonly url: string;
  /** How long a write takes to show. */
  staleMs: number;
  /** Bytes of a body above which it answers 413. */
  maxBytes: number;
  readonly faults: PineconeFault[];
  faultOf: (path: string) => PineconeFault | undefined;
  readonly seen: {
    readonly method: string;
    readonly path: string;
    readonly at: number;
    readonly status: number;
  }[];
  /** Ids of a namespace, whatever shows of them. */
  contents(): ReadonlyMap<string, readonly string[]>;
  close(): Promise<void>;
}

type Filter = { readonly $and?: readonly Filter[] } & { readonly [field: string]: unknown };

const matches = (metadata: Readonly<Record<string, unknown>>, filter: Filter): boolean =>
  Object.entries(filter).every(([field, condition]) => {
    if (field === '$and') return (condition as readonly Filter[]).every((each) => matches(metadata, each));
    const wanted = (condition as { readonly $in?: readonly string[]; readonly $eq?: string }).$in ?? [
      (condition as { readonly $eq?: string }).$eq ?? '',
    ];
    const held = metadata[field];
    return Array.isArray(held) ? held.some((each) => wanted.includes(each)) : wanted.includes(String(held));
  });

const cosine = (a: readonly number[], b: readonly number[]): number => {
  let dot = 0;
  let left = 0;
  let right = 0;
  for (const [axis, part] of a.entries()) {
    const other = b[axis] ?? 0;
    dot += part * other;
    left += part * part;
    right += other * other;
  }
  return dot / Math.sqrt(left * right);
};

export const startPineconeServer = async (dimension: number): Promise<PineconeServer> => {
  const namespaces = new Map<string, Namespace>();
  const at = (name: string): Namespace => {
    const held = namespaces.get(name) ?? { seen: new Map(), waiting: [], lsn: 0, indexedLsn: 0 };
    namespaces.set(name, held);
    return held;
  };
  const show = (namespace: Namespace): Namespace => {
    const due = namespace.waiting.filter((each) => each.at + server.staleMs <= Date.now());
    for (const { lsn, apply } of due) {
      apply(namespace.seen);
      namespace.indexedLsn = lsn;
    }
    namespace.waiting = namespace.waiting.slice(due.length);
    return namespace;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = '';
    for await (const part of request) text += part;
    const { pathname: path, searchParams } = new URL(request.url ?? '/', 'http://local');
    const send = (status: number, value: unknown, headers: Record<string, string> = {}): void => {
      server.seen.push({ method: request.method ?? '', path, at: Date.now(), status });
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(JSON.stringify(value));
    };
    const refuse = (status: number, message: string, headers: Record<string, string> = {}): void =>
      send(status, { code: status === 429 ? 8 : 3, message, details: [] }, headers);
    const fault = server.faults.shift() ?? server.faultOf(path);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'reset') return void request.socket.destroy();
    if (fault?.kind === 'status')
      return refuse(
        fault.status,
        'injected',
        fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter },
      );
    if (request.headers['api-key'] !== 'pc-test') return refuse(401, 'Unauthorized');
    if (text.length > server.maxBytes) return refuse(413, `Request size ${text.length} exceeds the maximum`);

    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
    const name = String(body.namespace ?? searchParams.get('namespace') ?? '__default__');
    if (name.length > 512 || /[^\x20-\x7e]/.test(name))
      return refuse(400, 'Namespace must be printable ASCII');
    const commit = (apply: (seen: Map<string, Stored>) => void): number => {
      const namespace = at(name);
      namespace.lsn += 1;
      namespace.waiting.push({ lsn: namespace.lsn, at: Date.now(), apply });
      return namespace.lsn;
    };
    const wrote = (lsn: number, value: unknown): void =>
      send(200, value, { 'x-pinecone-request-lsn': String(lsn) });
    const readOf = (namespace: Namespace, value: unknown): void =>
      send(200, value, { 'x-pinecone-max-indexed-lsn': String(namespace.indexedLsn) });

    switch (path) {
      case '/vectors/upsert': {
        const vectors = body.vectors as readonly Stored[];
        if (vectors.length > 1_000) return refuse(400, 'Batch size exceeds 1000');
        if (vectors.some((vector) => vector.values.length !== dimension))
          return refuse(400, `Vector dimension does not match the dimension of the index ${dimension}`);
        if (vectors.some((vector) => Buffer.byteLength(JSON.stringify(vector.metadata ?? {})) > 40_960))
          return refuse(400, 'Metadata size exceeds the limit of 40960 bytes');
        const taken = fault?.kind === 'half' ? vectors.slice(0, vectors.length >> 1) : vectors;
        const lsn = commit((seen) => {
          for (const vector of taken) seen.set(vector.id, vector);
        });
        return fault?.kind === 'half'
          ? refuse(503, 'unavailable')
          : wrote(lsn, { upsertedCount: vectors.length });
      }
      case '/vectors/delete': {
        if (!namespaces.has(name)) return refuse(404, 'Namespace not found');
        const ids = body.ids as readonly string[] | undefined;
        if ((ids?.length ?? 0) > 1_000) return refuse(400, 'Too many ids');
        return wrote(
          commit((seen) => {
            if (body.deleteAll) seen.clear();
            for (const id of ids ?? []) seen.delete(id);
          }),
          {},
        );
      }
      case '/query': {
        const namespace = show(at(name));
        const vector = body.vector as readonly number[];
        if (vector.length !== dimension) return refuse(400, 'Vector dimension does not match');
        const hits = [...namespace.seen.values()]
          .filter(({ metadata }) => !body.filter || matches(metadata ?? {}, body.filter as Filter))
          .map(({ id, values }) => ({ id, score: cosine(vector, values), values: [] }))
          .sort((a, b) => b.score - a.score)
          .slice(0, body.topK as number);
        return readOf(namespace, { matches: hits, namespace: name, usage: { readUnits: 1 } });
      }
      case '/vectors/fetch': {
        const namespace = show(at(name));
        const found = searchParams.getAll('ids').flatMap((id) => {
          const vector = namespace.seen.get(id);
          return vector ? [[id, vector] as const] : [];
        });
        return readOf(namespace, { vectors: Object.fromEntries(found), namespace: name });
      }
      case '/vectors/list': {
        const namespace = show(at(name));
        const limit = Number(searchParams.get('limit') ?? 100);
        if (limit > 100) return refuse(400, 'limit must be at most 100');
        const after = searchParams.get('paginationToken') ?? '';
        const page = [...namespace.seen.keys()].sort().filter((id) => id > after);
        const next = page.length > limit ? page[limit - 1] : undefined;
        return readOf(namespace, {
          vectors: page.slice(0, limit).map((id) => ({ id })),
          ...(next ? { pagination: { next } } : {}),
          namespace: name,
        });
      }
      case '/describe_index_stats': {
        const counts = [...namespaces].map(([each, namespace]) => [
          each,
          { vectorCount: show(namespace).seen.size },
        ]);
        return send(200, {
          namespaces: Object.fromEntries(counts),
          dimension,
          indexFullness: 0,
          totalVectorCount: counts.length,
        });
      }
      default:
        return refuse(404, `no ${path} here`);
    }
  };

  const http = createServer((request, response) => {
    void answer(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const server: PineconeServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    staleMs: 0,
    maxBytes: 2_000_000,
    faults: [],
    faultOf: () => undefined,
    seen: [],
    contents: () =>
      new Map(
        [...namespaces].map(([name, namespace]) => {
          const all = new Map(namespace.seen);
          for (const { apply } of namespace.waiting) apply(all);
          return [name, [...all.keys()]];
        }),
      ),
    close: () =>
      new Promise<void>((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
  return server;
};
