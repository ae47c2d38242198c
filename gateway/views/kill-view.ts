/** Kill switches in force, as the API shows them. Pure. */
import { z } from 'zod';
import type { ControlView } from '../../schemas/control-view.ts';
import { isoTime } from './times.ts';

export const killSchema = z.object({
  agent: z.string().nullable().describe('Null: every agent.'),
  tenant: z.string().nullable().describe('Null: for all tenants.'),
  by: z.string(),
  reason: z.string().nullable(),
  at: z.string().nullable(),
});

/** `tenant`: whose; null: all. A switch that holds for all tenants holds for each. */
export const killsOf = (
  control: Pick<ControlView, 'kills'>,
  tenant: string | null,
): readonly z.output<typeof killSchema>[] =>
  control
    .kills()
    .filter((kill) => tenant === null || (kill.tenant ?? tenant) === tenant)
    .map(({ agent, tenant: of, by, reason, at }) => ({ agent, tenant: of, by, reason, at: isoTime(at) }));
