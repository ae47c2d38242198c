/** The OpenAPI 3.1 document, made of the routes themselves. Pure. */
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../../schemas/errors.ts';
import { PROBLEM_TYPE } from './problem.ts';
import type { Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;

export const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<
    string,
    unknown
  >;
  return rest;
};

const parametersOf = (schema: z.ZodType | undefined, where: 'path' | 'query'): readonly Json[] => {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
  }));
};

const problemsOf = (codes: readonly ErrorCode[]): Json => {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = ERROR_CODES[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      String(status),
      {
        description: list.join(', '),
        content: { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
};

const operationOf = (route: Route): Json => ({
  summary: route.summary,
  tags: [route.tag],
  operationId: `${route.method.toLowerCase()}${route.path.replaceAll(/[^A-Za-z0-9]+(\w)/g, (_, letter: string) => letter.toUpperCase()).replaceAll(/\W/g, '')}`,
  parameters: [
    ...parametersOf(route.params, 'path'),
    ...parametersOf(route.query, 'query'),
    ...Object.entries(route.headers ?? {}).map(([name, description]) => ({
      name,
      in: 'header',
      required: false,
      description,
      schema: { type: 'string' },
    })),
  ],
  ...(route.body
    ? {
        requestBody: {
          required: true,
          content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
        },
      }
    : {}),
  responses: {
    ...Object.fromEntries(
      route.answers.map(({ status, description, schema, contentType = 'application/json' }) => [
        String(status),
        { description, content: { [contentType]: { schema: schemaOf(schema, 'output') } } },
      ]),
    ),
    ...problemsOf([...new Set<ErrorCode>([...route.errors, 'request-invalid', 'forbidden', 'internal'])]),
  },
});

export const openApiOf = (routes: readonly Route[], version: string): Json => {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Freshet',
      version,
      description:
        'Times are ISO 8601 in UTC, durations milliseconds, money exact decimals in US dollars. Errors are problems (RFC 9457) with a closed `code`.',
    },
    paths,
    components: {
      schemas: {
        Problem: {
          type: 'object',
          required: ['type', 'title', 'status', 'code', 'detail'],
          properties: {
            type: { type: 'string' },
            title: { type: 'string' },
            status: { type: 'integer' },
            code: { type: 'string', enum: Object.keys(ERROR_CODES) },
            detail: { type: 'string' },
            details: {
              type: 'object',
              description:
                'Of `stale`: `behind`, how far the index is from what was asked for, and `waitedMs`. Of a `too-many-requests` of tasks: `retryAfterSeconds`, as the header Retry-After says it.',
            },
          },
        },
      },
    },
  };
};
