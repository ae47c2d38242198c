/** A route stated once: what it takes, what it answers, how it is documented. Validation and OpenAPI come from the same schemas. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { ErrorCode } from '../../schemas/errors.ts';
import type { Principal } from './principal-of-request.ts';

export interface RouteAnswer {
  readonly status: number;
  readonly description: string;
  readonly schema: z.ZodType;
  /** application/json where left out; of a stream, the schema is one line or one event's data. */
  readonly contentType?: 'application/json' | 'text/event-stream' | 'application/x-ndjson';
}

export interface RouteRequest<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly principal: Principal;
  readonly raw: FastifyRequest;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** With parameters as in OpenAPI: /v1/tasks/{taskId}. */
  readonly path: string;
  readonly summary: string;
  readonly tag: string;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Documented; read from `headers`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly answers: readonly RouteAnswer[];
  readonly errors: readonly ErrorCode[];
  /** What it returns is sent as JSON with the first status; a reply it took over itself is returned as undefined. */
  readonly handle: (request: RouteRequest<never, never, never>, reply: FastifyReply) => Promise<unknown>;
}

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** Types `handle` by the schemas beside it. */
export const route = <
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  definition: Omit<Route, 'params' | 'query' | 'body' | 'handle'> & {
    readonly params?: Params;
    readonly query?: Query;
    readonly body?: Body;
    readonly handle: (
      request: RouteRequest<Output<Params>, Output<Query>, Output<Body>>,
      reply: FastifyReply,
    ) => Promise<unknown>;
  },
): Route => definition as unknown as Route;
