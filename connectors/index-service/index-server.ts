import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import Fastify, { type FastifyInstance } from 'fastify';
import { ERROR_CODES, FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { refusalOf } from '../../schemas/request-guard.ts';
import type { SearchRequest } from '../../schemas/search.ts';
import { TRACEPARENT } from '../../schemas/trace-context.ts';
import type { MetricsRegistry } from '../telemetry/metrics.ts';
import type { IndexService } from './index-service.ts';
import type { LaneService } from './lane-service.ts';

export interface RoleServer {
  readonly url: string;
  close(): Promise<void>;
}

/** What every role answers on a loopback port of its own: health and metrics. */
export interface RoleHealth {
  readonly role: string;
  /** Null: ready. Otherwise what it waits for. */
  readonly notReady: () => string | null;
  readonly metrics: MetricsRegistry;
}

/** A thousand document ids of the longest kind. */
const DESCRIBE_BYTES = 4 * 1024 * 1024;

const roleRoutes = (app: FastifyInstance, health: RoleHealth): void => {
  app.get('/healthz', async () => ({ role: health.role, ok: true }));
  app.get('/readyz', async (_, reply) => {
    const waitingFor = health.notReady();
    return reply
      .code(waitingFor === null ? 200 : 503)
      .send({ role: health.role, ready: waitingFor === null, waitingFor });
  });
  app.get('/metrics', async (_, reply) =>
    reply.type('text/plain; version=0.0.4').send(await health.metrics.text()),
  );
  app.get('/metrics.json', async () => health.metrics.json());
};

const drained = (response: ServerResponse): Promise<unknown> =>
  Promise.race([once(response, 'drain'), once(response, 'close')]);

/** Aborted when whoever asked goes away before its answer: who waits for freshness then holds no place any more. */
const goneSignal = (response: ServerResponse): AbortSignal => {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
};

const errorOf = (thrown: unknown): FreshetError => {
  const { statusCode = 500 } = thrown as { readonly statusCode?: number };
  if (thrown instanceof FreshetError || statusCode < 400 || statusCode >= 500) return toFreshetError(thrown);
  return statusCode === 413
    ? new FreshetError('request-too-large', 'the body is too large; ask for less at a time', {
        cause: thrown,
      })
    : new FreshetError('request-invalid', 'send the body as JSON, with content-type: application/json', {
        cause: thrown,
      });
};

/** Whoever can reach loopback may ask, so a browser that acts for another site may not. */
const openApp = (health: RoleHealth, bodyLimit?: number): FastifyInstance => {
  const app = Fastify({ forceCloseConnections: true, ...(bodyLimit !== undefined && { bodyLimit }) });
  app.removeContentTypeParser('text/plain');
  app.addHook('onRequest', async (request) => {
    const refusal = refusalOf(request.headers);
    if (refusal) throw refusal;
  });
  app.setErrorHandler((thrown, _, reply) => {
    const { code, message, details } = errorOf(thrown);
    return reply.code(ERROR_CODES[code].status).send({ code, message, ...(details ? { details } : {}) });
  });
  roleRoutes(app, health);
  return app;
};

const listen = async (app: FastifyInstance, port: number): Promise<RoleServer> => {
  const url = await app.listen({ host: '127.0.0.1', port });
  return { url, close: () => app.close() };
};

/** Serves health and metrics of a role that has nothing else to serve. */
export const serveRole = (health: RoleHealth, port = 0): Promise<RoleServer> => listen(openApp(health), port);

const laneService = ({ lanes, measure }: Partial<LaneService>): LaneService => {
  if (!lanes || !measure) throw new FreshetError('not-found', 'this index has one model and no lanes');
  return { lanes, measure };
};

/** Serves an index to the other roles. */
export const serveIndex = async (
  service: IndexService & Partial<LaneService>,
  health: RoleHealth,
  port = 0,
): Promise<RoleServer> => {
  const app = openApp(health, 256 * 1024);
  app.post<{ Body: SearchRequest }>('/search', async (request, reply) => {
    const gone = goneSignal(reply.raw);
    const { [TRACEPARENT]: traceparent } = request.headers;
    const traced = typeof traceparent === 'string' ? { traceparent } : {};
    return service.search({ ...request.body, ...traced }, gone);
  });
  app.get('/watermarks', async () => service.watermarks());
  app.post<{ Body: Pick<SearchRequest, 'freshness' | 'filter'> }>('/covers', async (request, reply) => {
    const gone = goneSignal(reply.raw);
    await service.covers(request.body, gone);
    return {};
  });
  app.get<{ Querystring: { source?: string; table?: string } }>('/floor', async ({ query }) => ({
    version: await service.floor(query.source ?? '', query.table ?? ''),
  }));
  app.post<{ Body: readonly string[] }>('/describe', { bodyLimit: DESCRIBE_BYTES }, async (request) =>
    service.describe(request.body),
  );
  app.post<{ Body: readonly string[] }>('/restore', { bodyLimit: DESCRIBE_BYTES }, async (request) => ({
    rows: await service.restore(request.body),
  }));
  app.get<{ Querystring: { source?: string; table?: string } }>('/list', async ({ query }, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
    try {
      for await (const id of service.list(query.source ?? '', query.table ?? '')) {
        if (reply.raw.destroyed) return;
        if (!reply.raw.write(`${JSON.stringify({ id })}\n`)) await drained(reply.raw);
      }
      // Without it, a listing that was cut short would look like one that ended.
      reply.raw.write(`${JSON.stringify({ done: true })}\n`);
    } catch (thrown) {
      const error = toFreshetError(thrown);
      reply.raw.write(`${JSON.stringify({ error: { code: error.code, message: error.message } })}\n`);
    }
    reply.raw.end();
  });
  app.get('/lanes', async () => laneService(service).lanes());
  app.post<{ Body: { queries?: number } }>('/lanes/measure', async (request) =>
    laneService(service).measure(Math.min(1_000, Math.max(1, Number(request.body?.queries) || 100))),
  );
  app.get('/status', async () => service.status());
  app.get<{ Querystring: { id?: string } }>('/document', async (request) => {
    const found = await service.document(request.query.id ?? '');
    if (!found) throw new FreshetError('not-found', `the index holds nothing of ${request.query.id ?? ''}`);
    return found;
  });
  app.post('/rebuild', async (_, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' });
    try {
      for await (const progress of service.rebuild()) {
        // Whoever asked may be gone; the rebuild goes on to its end all the same.
        if (!reply.raw.destroyed && !reply.raw.write(`${JSON.stringify(progress)}\n`))
          await drained(reply.raw);
      }
    } catch (thrown) {
      const error = toFreshetError(thrown);
      reply.raw.write(`${JSON.stringify({ error: { code: error.code, message: error.message } })}\n`);
    }
    reply.raw.end();
  });
  return listen(app, port);
};
