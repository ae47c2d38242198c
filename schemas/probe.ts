/**
 * Probe rows: a row of its own in every source, written each second and looked for in the index as a user would, so that
 * freshness is measured at the searchable end and a quiet source is not taken for a fresh one.
 */
import type { TableMapping } from './config.ts';

export const PROBE_TABLE = 'public.freshet_probe';
/** Of nobody: no user's search finds a probe. */
export const PROBE_TENANT = 'freshet:probe';

/** The same whatever the tick but for its code, so that the query is embedded once and each row is found by its text. */
export const PROBE_MAPPING: TableMapping = {
  title: () => 'Freshet probe',
  text: (row) => `This row is written by Freshet to measure freshness. Its code is ${row.code}.`,
  tenant: () => PROBE_TENANT,
};

export const PROBE_QUERY = 'This row is written by Freshet to measure freshness.';
