/**
 * Probe rows: a row of its own in every source, written each second and looked for in the index as a user would, so that
 * freshness is measured at the searchable end and a quiet source is not taken for a fresh one.
 */

import type { TableMapping } from './table-mapping.ts';

const PREFIX = 'freshet.probe_';

/** One table a source, as two sources may share a database. */
export const probeTable = (source: string): string => `${PREFIX}${source.replaceAll('-', '_')}`;

export const isProbeTable = (table: string): boolean => table.startsWith(PREFIX);

/** Of nobody: no user's search finds a probe. */
export const PROBE_TENANT = 'freshet:probe';

export const PROBE_QUERY = 'A row that Freshet writes to see how soon it is found.';

/** The same text whatever the tick but for its number, so that what is asked is embedded once. */
export const PROBE_MAPPING: TableMapping = {
  title: () => 'Freshet probe',
  text: (row) => `${PROBE_QUERY} Tick ${row.tick}.`,
  tenant: () => PROBE_TENANT,
  // A tick may look like a card number, and whatever the gates make of a probe says nothing of how soon rows are found.
  gates: {
    required: [],
    minTextCharacters: 0,
    maxTextCharacters: 1_000,
    language: { allow: [] },
    duplicates: { same: 'off', near: 'off' },
    secrets: 'off',
    personalData: { action: 'off' },
    instructions: 'off',
    drift: { action: 'off' },
    volume: { action: 'off' },
  },
};

/** The tick of a probe's text; undefined where it is none. */
export const tickOf = (text: string): number | undefined => {
  const [, tick] = /Tick (\d{1,15})\.$/.exec(text) ?? [];
  return tick === undefined ? undefined : Number(tick);
};
