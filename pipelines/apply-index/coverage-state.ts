/**
 * What an index covers of one source, from the points that the tracker publishes and from how far the index has applied
 * freshet.documents: it covers a point once it has passed the point's ends (rule W). Pure.
 */
import type { WatermarkPoint } from '../../schemas/records.ts';
import { comparePositions } from '../../schemas/source-position.ts';

export interface Coverage {
  /** The newest point published, covered or not. */
  readonly newest: WatermarkPoint;
  /** The newest point whose ends were passed. */
  readonly covered: WatermarkPoint | null;
  /** Points not yet passed, oldest first. */
  readonly ahead: readonly WatermarkPoint[];
}

/** Next offset to apply, of a partition of freshet.documents. */
export type PositionOf = (partition: number) => number;

const MOST_AHEAD = 64;

const goesBack = (newest: WatermarkPoint, point: WatermarkPoint): boolean =>
  point.epoch === newest.epoch &&
  point.state === 'known' &&
  newest.state === 'known' &&
  (comparePositions(point.position ?? '', newest.position ?? '') ?? 0) < 0;

/**
 * A point with its moments by the clock of whoever reads it: what the tracker saw at `at` was seen no later than it was received. A
 * clock that is behind the tracker's would otherwise make everything it reads look newer than it is. Microseconds. Pure.
 */
export const inOwnTime = (point: WatermarkPoint, receivedAt: number): WatermarkPoint => {
  const behind = Math.min(0, receivedAt - point.at);
  if (behind === 0) return point;
  // 0 is unknown, and a moment of before the epoch is none.
  const moved = (at: number): number => (at === 0 ? 0 : Math.max(1, at + behind));
  return {
    ...point,
    observedAt: moved(point.observedAt),
    heldTables: point.heldTables.map((held) => ({ ...held, observedAt: moved(held.observedAt) })),
  };
};

/** A point without ends stands for nothing and is passed by nobody. */
export const isPassed = (point: WatermarkPoint, positionOf: PositionOf): boolean =>
  point.documentEnds.length > 0 && point.documentEnds.every((end, partition) => positionOf(partition) >= end);

export const withPoint = (coverage: Coverage | undefined, point: WatermarkPoint): Coverage => {
  // A late record of a tracker that lost its place must not bring back what its successor took away.
  if (coverage && (point.epoch < coverage.newest.epoch || goesBack(coverage.newest, point))) return coverage;
  if (!coverage || point.epoch > coverage.newest.epoch || point.state === 'unknown')
    return { newest: point, covered: null, ahead: point.state === 'known' ? [point] : [] };
  const ahead =
    coverage.ahead.length < MOST_AHEAD
      ? coverage.ahead
      : // The oldest will be passed first and the newest says most: those between can go.
        coverage.ahead.filter((_, at) => at % 2 === 0);
  return { newest: point, covered: coverage.covered, ahead: [...ahead, point] };
};

export const advance = (coverage: Coverage, positionOf: PositionOf): Coverage => {
  // An index that was emptied, or put back, covers nothing until it has come by again.
  const covered = coverage.covered && isPassed(coverage.covered, positionOf) ? coverage.covered : null;
  const at = coverage.ahead.findLastIndex((point) => isPassed(point, positionOf));
  if (at >= 0)
    return { ...coverage, covered: coverage.ahead[at] ?? null, ahead: coverage.ahead.slice(at + 1) };
  if (covered === coverage.covered) return coverage;
  return {
    ...coverage,
    covered,
    ahead: coverage.covered ? [coverage.covered, ...coverage.ahead] : coverage.ahead,
  };
};
