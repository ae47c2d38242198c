import type { SurveyFinding } from '../source-survey.ts';

/** publish_via_partition_root, and wal_status of a slot. */
const OLDEST = 130_000;

/** Whether capture knows this server: its name for itself (`server_version`) and the number of it. Pure. */
export const serverFinding = (version: string, number: number): SurveyFinding => {
  const said = `PostgreSQL ${version}`;
  if (number >= OLDEST) return { check: 'server', ok: true, said };
  return {
    ...{ check: 'server', ok: false, said: `${said} is older than what can be captured` },
    change: `upgrade it to PostgreSQL ${OLDEST / 10_000} or newer`,
  };
};
