/** Takes what an agent wrote out of the context. Rows are withdrawn in their database, and memories by forgetting them. */
import { z } from 'zod';
import { FreshetError } from '../../schemas/errors.ts';
import { taskOfResult } from '../../schemas/result-source.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { documentId, ofRemoval } from '../http/fields.ts';
import { visibleTenant } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { sendDecisions } from '../send-decisions.ts';

export const withdrawRoutes = ({ settings }: GatewayContext) => {
  const { index } = settings;
  return [
    route({
      method: 'POST',
      path: '/v1/documents/withdraw',
      tag: 'search',
      summary: "Takes an agent's result out of what searches find; the result of its task stays as it is",
      body: z.strictObject({ documentId, ...ofRemoval }),
      answers: [
        {
          status: 202,
          description: 'Asked for: it is found no more within moments. Or what would be withdrawn.',
          schema: z.object({
            documentId: z.string(),
            title: z.string(),
            version: z.string(),
            dryRun: z.boolean(),
          }),
        },
      ],
      errors: ['not-found', 'request-invalid', 'index-unavailable', 'append-failed'],
      handle: async ({ body: { documentId: id, reason, dryRun }, principal }) => {
        if (!taskOfResult(id))
          throw new FreshetError(
            'request-invalid',
            `${id} is no result of an agent: change the row in its database; of a memory: freshet memory forget`,
          );
        const traced = await index.document(id);
        const visible = visibleTenant(principal, undefined);
        if (traced?.record.kind !== 'document' || (visible !== undefined && traced.record.tenant !== visible))
          throw new FreshetError('not-found', `the index holds nothing of ${id}`);
        const { record, partition } = traced;
        const { title, version } = record;
        const answer = { documentId: id, title, version, dryRun };
        if (dryRun) return answer;
        const decision = {
          documentId: id,
          action: 'withdraw',
          version,
          contentHash: '',
          gate: '',
          partition,
        } as const;
        await sendDecisions(settings, [decision], {
          ...{ action: 'document withdraw', by: principal.name, reason, tenant: record.tenant },
        });
        return answer;
      },
    }),
  ];
};
