/** Large inputs and outputs of an execution, whole. */
import { z } from 'zod';
import { FreshetError } from '../../schemas/errors.ts';
import { findExecution } from '../find-execution.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { executionId, ofTenant } from '../http/fields.ts';
import { route } from '../http/route.ts';

const hash = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'a sha256 in hexadecimal, as a step of the execution names it');

export const payloadRoutes = (context: GatewayContext) => [
  route({
    method: 'GET',
    path: '/v1/executions/{executionId}/payloads/{hash}',
    tag: 'executions',
    summary: 'A large input or output of an execution, whole: the JSON itself, held against its hash',
    params: z.object({ executionId, hash }),
    query: z.strictObject(ofTenant),
    answers: [{ status: 200, description: 'The JSON of the input or output.', schema: z.unknown() }],
    errors: ['not-found', 'payload-lost', 'too-many-requests', 'kafka-unavailable'],
    handle: async (request, reply) => {
      const { params } = request;
      const { events } = await findExecution(context, params.executionId, request);
      // By its hash alone nobody finds it: an execution of the tenant's own must refer to it (I9).
      const reference = events
        .flatMap(({ event }) => [event.inputPayload, event.outputPayload])
        .find((each) => each?.hash === params.hash);
      if (!reference)
        throw new FreshetError(
          'not-found',
          `the execution ${params.executionId} has no payload ${params.hash}; its steps name those it has`,
        );
      const text = await context.payloads.read(reference);
      reply.header('etag', `"${reference.hash}"`);
      return reply.type('application/json; charset=utf-8').send(text);
    },
  }),
];
