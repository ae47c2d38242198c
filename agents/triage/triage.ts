/**
 * Labels incidents: reads one, looks at those like it, and says how severe it is. Where that differs from what its row says,
 * it sets the severity, once a person has approved it; the change comes back to the index as any other. A planned agent: no
 * model is asked, and the reasons are counted votes.
 */
import { z } from 'zod';
import { defineAgent, type PlanSeen } from '../../schemas/agent-definition.ts';
import { isSearchResponse } from '../runtime/retrieved-passages.ts';
import { searchTool } from '../tools/search-tool.ts';
import { INCIDENT_ID, readIncident, SEVERITY, setSeverity } from './incident-tools.ts';
import { severityOf } from './severity.ts';

const INCIDENT = z.object({ title: z.string(), description: z.string(), severity: z.string() });
const LIKE = 10;

const output = z.object({
  severity: SEVERITY,
  was: z.string(),
  changed: z.boolean(),
  why: z.string(),
});

type Answer = z.infer<typeof output>;

const resultOf = ({ results }: PlanSeen, name: string) => results.find((each) => each.name === name);

export const triage = defineAgent({
  name: 'triage',
  version: '1',
  instructions: 'Says how severe an incident is, from those like it.',
  input: z.object({ incident: INCIDENT_ID }),
  output,
  tools: [readIncident, searchTool, setSeverity],
  limits: { maxSteps: 8, maxUsd: '0', maxMs: 60_000 },
  plan: (seen) => {
    const { incident } = seen.input;
    const read = resultOf(seen, 'read-incident');
    if (!read) return { tools: [{ name: 'read-incident', arguments: { incident } }] };
    const row = INCIDENT.safeParse(read.output);
    if (!row.success) return { fail: read.error?.message ?? `there is no incident ${incident}` };
    const { title, description, severity: was } = row.data;
    const search = resultOf(seen, 'search');
    const query = `${title}\n${description}`.slice(0, 500);
    if (!search) return { tools: [{ name: 'search', arguments: { query, topK: LIKE } }] };
    const response: unknown = search.output;
    const { severity, why } = severityOf(
      { title, description },
      isSearchResponse(response)
        ? response.hits.filter(({ documentId }) => !documentId.endsWith(`/${incident}`))
        : [],
    );
    const answer = (changed: boolean, because: string): { readonly answer: Answer } => ({
      answer: { severity, was, changed, why: because },
    });
    if (severity === was) return answer(false, why);
    const set = resultOf(seen, 'set-severity');
    if (!set) return { tools: [{ name: 'set-severity', arguments: { incident, severity } }] };
    return set.error ? answer(false, `${why}; not set: ${set.error.message}`) : answer(true, why);
  },
});
