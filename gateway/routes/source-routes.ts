/** The databases that changes come from: how they stand, and what an operator asks of them. */

import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { checkCommand } from '../../pipelines/watch-sources/check-command.ts';
import { commandRecord, SOURCE_ACTIONS } from '../../pipelines/watch-sources/source-commands.ts';
import { SOURCE_STATES } from '../../pipelines/watch-sources/source-watch-state.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { ownField } from '../../schemas/own-field.ts';
import { auditRecord } from '../audit-record.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { ofChange } from '../http/fields.ts';
import { requireOperator } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { reportSource, sourcesLeft } from '../source-report.ts';

const source = z.object({
  source: z.string(),
  kind: z.string(),
  state: z.enum(SOURCE_STATES),
  reason: z.string().nullable(),
  epoch: z.number().nullable(),
  connector: z.string(),
  restarts: z.number(),
  retainedWalBytes: z.number().nullable(),
  lag: z.object({ records: z.number(), seconds: z.number() }).nullable(),
  swept: z.string().nullable().describe('Version of the floor that followed the last snapshot.'),
  tables: z.array(
    z.object({
      table: z.string(),
      state: z.enum(['live', 'snapshotting', 'paused']),
      reason: z.string().nullable(),
      since: z.string().nullable(),
    }),
  ),
  updatedAt: z.string().nullable(),
});

export const sourceRoutes = ({ settings, models }: GatewayContext) => {
  const { kafka, config, clock, codec, writer } = settings;
  const report = (name: string) =>
    reportSource(kafka, config, models.sourceStates, name, Math.floor(clock() / 1_000));
  return [
    route({
      method: 'GET',
      path: '/v1/sources',
      tag: 'sources',
      summary: 'State, connector, kept log, lag and tables of each source',
      answers: [
        {
          ...{ status: 200, description: 'Sources.' },
          schema: z.object({
            sources: z.array(source),
            left: z
              .array(z.string())
              .describe(
                'Watched once and configured no more: their documents, connector and log stay until they are taken out (docs/sources.md).',
              ),
          }),
        },
      ],
      errors: ['kafka-unavailable'],
      handle: async () => ({
        sources: await Promise.all(Object.keys(config.sources).map(report)),
        left: sourcesLeft(config, models.sourceStates),
      }),
    }),
    route({
      method: 'POST',
      path: '/v1/sources/{source}/{action}',
      tag: 'sources',
      summary:
        'Pauses, resumes or reads tables again by an incremental snapshot; without tables, pause and resume are of the whole source',
      params: z.strictObject({ source: z.string(), action: z.enum(SOURCE_ACTIONS) }),
      body: z.strictObject({
        tables: z.array(z.string()).min(1).max(1_000).optional(),
        ...ofChange,
      }),
      answers: [
        {
          status: 202,
          description:
            'Asked for: the pipeline role carries it out within seconds; GET /v1/sources shows it.',
          schema: z.object({
            source: z.string(),
            action: z.string(),
            tables: z.array(z.string()).nullable(),
            asked: z.boolean(),
          }),
        },
      ],
      errors: ['forbidden', 'not-found', 'request-invalid', 'conflict', 'append-failed'],
      handle: async ({ params, body, principal }) => {
        requireOperator(principal, 'sources are paused, resumed and read again');
        const { source: name, action } = params;
        const configured = ownField(config.sources, name);
        if (!configured) throw new FreshetError('not-found', `there is no source ${name}`);
        const tables = checkCommand(Object.keys(configured.tables), models.sourceStates.get(name), {
          source: name,
          action,
          tables: body.tables,
        });
        if (body.dryRun) return { source: name, action, tables: tables ?? null, asked: false };
        const at = clock();
        const asked = { by: principal.name, reason: body.reason ?? null };
        const targets = tables?.map((table) => `${name}/${table}`) ?? [name];
        // The audit first: nothing is done that is not written down.
        await writer.append([auditRecord(codec, { at, ...asked, action: `source ${action}`, targets })]);
        const command = { source: name, action, ...asked };
        await writer.append(
          (tables ?? [undefined]).map((table) =>
            commandRecord(codec, { ...command, table }, randomUUID(), at),
          ),
        );
        return { source: name, action, tables: tables ?? null, asked: true };
      },
    }),
  ];
};
