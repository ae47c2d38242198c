/** What triage reads and writes of the sample help centre's incidents: rows of its own tenant only. */
import { z } from 'zod';
import { askPostgres } from '../../connectors/sources/postgres/ask-postgres.ts';
import { defineTool, type ToolContext } from '../../schemas/agent-definition.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { SEVERITIES } from './severity.ts';

const SOURCE = 'helpcentre';
export const INCIDENT_ID = z.string().regex(/^\d{1,18}$/, 'the number of an incident');
export const SEVERITY = z.enum(SEVERITIES);

const urlOf = ({ sourceUrls }: ToolContext): string => {
  const url = sourceUrls[SOURCE];
  if (url === undefined)
    throw new FreshetError('config-invalid', `triage works on the source ${SOURCE}, which is not configured`);
  return url;
};

export const readIncident = defineTool({
  name: 'read-incident',
  description: 'Reads an incident from its row.',
  effect: 'read',
  retries: 2,
  arguments: z.object({ incident: INCIDENT_ID }),
  execute: ({ incident }, context) =>
    askPostgres(urlOf(context), async (client) => {
      const { rows } = await client.query<Record<string, string>>(
        'SELECT title, description, severity, status FROM public.incidents WHERE id = $1 AND tenant = $2',
        [incident, context.tenant],
      );
      if (!rows[0]) throw new FreshetError('not-found', `there is no incident ${incident}`);
      return rows[0];
    }),
});

const write = (incident: string, severity: string, context: ToolContext) =>
  askPostgres(urlOf(context), async (client) => {
    const { rows } = await client.query<{ was: string }>(
      `UPDATE public.incidents AS now SET severity = $3, updated_at = now()
         FROM (SELECT id, severity FROM public.incidents WHERE id = $1 AND tenant = $2 FOR UPDATE) AS before
        WHERE now.id = before.id RETURNING before.severity AS was`,
      [incident, context.tenant, severity],
    );
    if (!rows[0]) throw new FreshetError('not-found', `there is no incident ${incident}`);
    return { was: rows[0].was, is: severity };
  });

/** Set twice it is set once, so a call whose outcome was lost is made again. */
export const setSeverity = defineTool({
  name: 'set-severity',
  description: 'Sets the severity of an incident in its row.',
  effect: 'write',
  takesIdempotencyKey: true,
  approval: true,
  capability: 'label-incidents',
  arguments: z.object({ incident: INCIDENT_ID, severity: SEVERITY }),
  execute: ({ incident, severity }, context) => write(incident, severity, context),
  compensate: ({ incident }, output, context) => {
    const { was } = z.object({ was: z.string() }).parse(output);
    return write(incident, was, context);
  },
});
