/** Whether what was measured allows a cut-over. Pure: reasons against it, none where it may go ahead. */
import type { LaneComparison } from '../../connectors/index-service/lane-service.ts';

const MOST_BEHIND = 1_000;
const LEAST_QUERIES = 10;
const FOUND_SHARE = 0.95;
const LEAST_RECALL = 0.95;
const SLOWER_FACTOR = 3;
/** Slower by less than this is not felt. */
const SLOWER_MS = 50;

export const judgeCutover = ({ serving, candidate, behind }: LaneComparison): readonly string[] => [
  ...(behind > MOST_BEHIND ? [`${candidate.model} is ${behind} records behind: wait for the backfill`] : []),
  ...(candidate.queries < LEAST_QUERIES ? [`only ${candidate.queries} documents to ask for`] : []),
  ...(candidate.found < serving.found * FOUND_SHARE
    ? [
        `it finds ${percent(candidate.found)} of documents by their title, ${serving.model} ${percent(serving.found)}`,
      ]
    : []),
  ...(candidate.recall !== null && candidate.recall < LEAST_RECALL
    ? [`its index finds ${percent(candidate.recall)} of the nearest rows`]
    : []),
  ...(candidate.p95Ms > serving.p95Ms * SLOWER_FACTOR && candidate.p95Ms > serving.p95Ms + SLOWER_MS
    ? [`a search takes ${candidate.p95Ms} ms at p95, with ${serving.model} ${serving.p95Ms} ms`]
    : []),
];

const percent = (share: number): string => `${Math.round(share * 1_000) / 10} %`;
