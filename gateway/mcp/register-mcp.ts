/**
 * `/mcp`: Freshet as an MCP server. A call goes through the gateway's own routes, in the process, as whoever sent it: principal, tenant,
 * checks, limits and words are those of HTTP, as there are no others.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { answerMcp, type ToolAnswer } from '../../connectors/mcp/answer-mcp.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { principalOfRequest } from '../http/principal-of-request.ts';
import { errorOfRequest, type Problem, problemOf } from '../http/problem.ts';
import { type McpTool, type McpToolsSettings, mcpToolsOf } from './mcp-tools.ts';

type Json = Readonly<Record<string, unknown>>;

export interface McpSettings extends McpToolsSettings {
  readonly version: string;
  /** Of a call that failed outside its route: what fails in a route, the route's own handler tells. */
  readonly onFailure: (error: FreshetError) => void;
}

const INSTRUCTIONS =
  'Freshet keeps documents searchable milliseconds after their rows changed, and says how old each answer is. Search before you answer from memory; say how old what you found is; ask for freshness where it matters. Tasks go to agents that journal every step.';

/** What speaks of the request to `/mcp` itself, and not of who sent it. */
const OF_THE_REQUEST =
  /^(?:content-.*|transfer-encoding|connection|keep-alive|expect|te|trailer|upgrade|accept(?:-.*)?|mcp-.*|last-event-id|prefer|idempotency-key)$/;

const headersOf = (request: FastifyRequest): Record<string, string> =>
  Object.fromEntries(
    Object.entries(request.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value]],
    ),
  );

const sayOf = (asker: FastifyRequest): Record<string, string> =>
  Object.fromEntries(Object.entries(headersOf(asker)).filter(([name]) => !OF_THE_REQUEST.test(name)));

const failed = ({ code, status, detail, details }: Problem, retryAfter?: string): ToolAnswer => ({
  isError: true,
  text: `${code}: ${detail}`,
  structured: {
    ...{ code, status, detail },
    ...(details ? { details } : {}),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: Number(retryAfter) }),
  },
});

const answerOf = (body: Json, leavesOut: readonly string[]): ToolAnswer => {
  const structured = Object.fromEntries(Object.entries(body).filter(([name]) => !leavesOut.includes(name)));
  return { isError: false, text: JSON.stringify(structured), structured };
};

const callTool = async (
  app: FastifyInstance,
  asker: FastifyRequest,
  tool: McpTool,
  input: Json,
  meta: Json,
  onFailure: McpSettings['onFailure'],
): Promise<ToolAnswer> => {
  try {
    const { method, url, headers, body } = tool.callOf(input, meta);
    const response = await app.inject({
      ...{ method, url, remoteAddress: asker.ip, headers: { ...sayOf(asker), ...headers } },
      ...(body ? { payload: body } : {}),
    });
    const answered = response.json<Json>();
    return response.statusCode < 400
      ? answerOf(answered, tool.leavesOut)
      : failed(answered as unknown as Problem, response.headers['retry-after']?.toString());
  } catch (thrown) {
    const error = errorOfRequest(thrown);
    onFailure(error);
    return failed(problemOf(error));
  }
};

export const registerMcp = (app: FastifyInstance, settings: McpSettings): void => {
  const { version, onFailure } = settings;
  const tools = mcpToolsOf(settings);
  const identity = { name: 'freshet', version, instructions: INSTRUCTIONS };
  app.post('/mcp', async (request, reply) => {
    // Whoever may ask no route may not ask what there is either.
    principalOfRequest(request);
    if (Array.isArray(request.body))
      throw new FreshetError(
        'request-invalid',
        'send one message at a time: batches are no part of MCP any more',
      );
    const { status, headers, body } = await answerMcp(
      identity,
      tools,
      { headers: headersOf(request), body: request.body },
      (tool, input, meta) => callTool(app, request, tool, input, meta, onFailure),
    );
    return reply.code(status).headers(headers).send(body);
  });
  // Without sessions there is nothing to listen to, and nothing to end.
  app.route({
    method: ['GET', 'DELETE'],
    url: '/mcp',
    handler: async (_, reply) =>
      reply
        .code(405)
        .header('allow', 'POST')
        .send({
          jsonrpc: '2.0',
          error: { code: -32_000, message: 'POST alone: there are no sessions' },
          id: null,
        }),
  });
};
