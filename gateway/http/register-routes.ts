/** Routes into Fastify: checked by their schemas, unknown fields refused, errors as problems. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { FreshetError } from '../../schemas/errors.ts';
import { principalOfRequest } from './principal-of-request.ts';
import type { Route } from './route.ts';

const MAX_ISSUES = 5;

const check = (schema: z.ZodType | undefined, value: unknown, where: string): unknown => {
  if (!schema) {
    // An empty object is what clients send that always send one.
    const none = value === undefined || value === null || JSON.stringify(value) === '{}';
    if (where === 'body' && !none) throw new FreshetError('request-invalid', 'this route takes no body');
    return undefined;
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues
    .slice(0, MAX_ISSUES)
    .map((issue) => `${[where, ...issue.path.map(String)].join('.')}: ${issue.message}`);
  throw new FreshetError('request-invalid', issues.join('; '));
};

const headersOf = (request: FastifyRequest): Record<string, string | undefined> =>
  Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]),
  );

export const registerRoutes = (app: FastifyInstance, routes: readonly Route[]): void => {
  for (const route of routes) {
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      handler: async (raw, reply) => {
        const principal = principalOfRequest(raw);
        const request = {
          params: check(route.params, raw.params, 'path'),
          query: check(route.query, raw.query, 'query'),
          body: check(route.body, raw.body, 'body'),
          headers: headersOf(raw),
          principal,
          raw,
        };
        const answer = await route.handle(request as Parameters<Route['handle']>[0], reply);
        if (reply.sent || reply.raw.headersSent) return reply;
        if (reply.statusCode === 200) reply.code(route.answers[0]?.status ?? 200);
        return reply.send(answer);
      },
    });
  }
};
