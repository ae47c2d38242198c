/** The sources against the index, row by row, while both keep moving: what `freshet index verify` does, over HTTP. */
import { z } from 'zod';
import { DIVERGENCES } from '../../pipelines/reconcile/compare-state.ts';
import { tellNowAndThen } from '../../pipelines/reconcile/tell-now-and-then.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { auditRecord } from '../audit-record.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { line, ofChange } from '../http/fields.ts';
import { answerInLines } from '../http/line-stream.ts';
import { requireOperator } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';

const report = z.object({
  source: z.string(),
  table: z.string(),
  index: z.string().describe('The replica that it was compared with.'),
  rows: z.number(),
  divergent: z.array(z.object({ documentId: z.string(), divergence: z.enum(DIVERGENCES) })),
  repaired: z.number(),
  unsettled: z
    .array(z.string())
    .describe('Could not be told from changes in flight, or their mapping fails.'),
  inFlight: z.number(),
});

const progress = z.object({
  done: z.boolean(),
  source: z.string().optional(),
  table: z.string().optional(),
  rows: z.number().optional(),
  report: report.optional().describe('Of a table that was compared.'),
  dryRun: z.boolean().optional(),
  divergent: z
    .number()
    .optional()
    .describe('Of the sums: still different, of all tables that were compared.'),
  repaired: z.number().optional(),
  unsettled: z.number().optional(),
});

export const verifyRoutes = ({ settings }: GatewayContext) => {
  const { codec, writer, clock } = settings;
  let comparing = false;
  return [
    route({
      method: 'POST',
      path: '/v1/index/verify',
      tag: 'status',
      summary:
        'Compares every row of the sources with the index while both move, and mends what differs where asked; progress as NDJSON. Ends when the reader goes; repairs are audited',
      body: z
        .strictObject({
          source: line(200).optional(),
          table: line(200).optional(),
          repair: z.boolean().default(false).describe('Mend what differs; with dryRun say what would be.'),
          ...ofChange,
        })
        .optional(),
      answers: [
        {
          status: 200,
          description:
            'Progress, a report a table; the last line carries the sums, or a problem, and the line before that the sums of what was compared.',
          contentType: 'application/x-ndjson',
          schema: progress,
        },
      ],
      errors: ['forbidden', 'not-found', 'conflict', 'index-unavailable', 'append-failed'],
      handle: async ({ body, principal }, reply) => {
        // Its ids are those of all tenants.
        requireOperator(principal, 'sources are compared with the index');
        const { compare } = settings;
        if (!compare)
          throw new FreshetError('index-unavailable', 'this gateway cannot compare sources with the index');
        if (comparing)
          throw new FreshetError('conflict', 'a comparison runs here already; wait for it to end');
        comparing = true;
        const { source, table, repair = false, reason = null, dryRun = false } = body ?? {};
        const sums = { divergent: 0, repaired: 0, unsettled: 0 };
        try {
          return await answerInLines(reply, async (stream) => {
            const reports = compare({
              ...(source !== undefined && { source }),
              ...(table !== undefined && { table }),
              repair: repair && !dryRun,
              signal: stream.closed,
              onRepair: async (targets) => {
                const audit = { at: clock(), by: principal.name, action: 'index repair', targets, reason };
                await writer.append([auditRecord(codec, audit)]);
              },
              onProgress: tellNowAndThen((inSource, inTable, rows) => {
                // A reader that went away in the middle of it ends the comparison by its signal.
                stream.line({ done: false, source: inSource, table: inTable, rows }).catch(() => undefined);
              }),
            });
            let reported = false;
            try {
              for await (const each of reports) {
                sums.divergent += each.divergent.length - each.repaired;
                sums.repaired += each.repaired;
                sums.unsettled += each.unsettled.length;
                await stream.line({ done: false, report: each });
                reported = true;
              }
            } catch (thrown) {
              // A table that could not be read is the last line: it would hide what differs elsewhere.
              if (reported) await stream.line({ done: false, ...sums });
              throw thrown;
            }
            await stream.line({ done: true, ...sums, ...(repair && dryRun && { dryRun }) });
          });
        } finally {
          comparing = false;
        }
      },
    }),
  ];
};
