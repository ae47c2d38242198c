/** How the index stood against its sources, table by table, as the pipeline role last compared them in the background. Pure. */
import { z } from 'zod';
import { type RoleMetrics, samplesOf } from './role-counters.ts';
import { isoTime } from './times.ts';

export const comparisonSchema = z.object({
  source: z.string(),
  table: z.string(),
  rows: z.number().describe('Of the table, those that could be told from changes in flight.'),
  divergent: z.number().describe('Documents that differ from their row: npx freshet index verify --repair.'),
  unsettled: z.number().describe('Documents that differed and could not be told from changes in flight.'),
  index: z.string().describe('The replica that was compared.'),
  at: z.string().nullable(),
});
export type TableComparison = z.output<typeof comparisonSchema>;

/** In the order of names. Empty: none has ended since the pipeline role started, or it does not answer. */
export const comparisonsOf = (roles: readonly RoleMetrics[]): readonly TableComparison[] => {
  const keyOf = ({ source, table }: Readonly<Record<string, unknown>>): string => `${source} ${table}`;
  const sumOf = (name: string, key: string): number =>
    samplesOf(roles, name).reduce((sum, { labels, value }) => (keyOf(labels) === key ? sum + value : sum), 0);
  // Each comparison is with the next replica: the last one counts.
  const newest = new Map(
    [...samplesOf(roles, 'freshet_index_compared_timestamp_seconds')]
      .sort((a, b) => a.value - b.value)
      .map((sample) => [keyOf(sample.labels), sample]),
  );
  return [...newest.values()]
    .map(({ labels, value }) => ({
      ...{ source: String(labels.source), table: String(labels.table), index: String(labels.index) },
      rows: sumOf('freshet_index_compared_rows', keyOf(labels)),
      divergent: sumOf('freshet_index_divergent_documents', keyOf(labels)),
      unsettled: sumOf('freshet_index_unsettled_documents', keyOf(labels)),
      at: isoTime(value * 1e6),
    }))
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
};
