/** What was measured of two embedding models, for people. Pure. */
import { type LaneComparison, MOST_ROWS_COMPARED } from '../../connectors/index-service/lane-service.ts';

const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`;

/** A guard that was not held against anything is said: who reads only figures would take it for passed. */
const recallOf = ({ queries, recall }: LaneComparison['serving']): string => {
  if (recall !== null) return `nearest rows ${percent(recall)}`;
  return queries === 0
    ? 'recall was not measured'
    : `recall was not measured: more than ${MOST_ROWS_COMPARED.toLocaleString('en')} rows`;
};

export const describeComparison = ({ serving, candidate, overlap }: LaneComparison): string =>
  [
    ...[serving, candidate].map(
      (each) =>
        `${each.model}: finds ${percent(each.found)} of ${each.queries} documents by title, ${recallOf(each)}, ${each.p50Ms} ms (p95 ${each.p95Ms})`,
    ),
    `both give ${percent(overlap)} of the first ten`,
  ].join('\n');
