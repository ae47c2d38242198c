/** Latencies as a histogram of fixed relative error, so that percentiles of any window merge. The one file that names the histogram library. */
import { build, type Histogram } from 'hdr-histogram-js';

export interface LatencyHistogram {
  /** Microseconds, 0 or more. */
  record(micros: number): void;
  merge(other: LatencyHistogram): void;
  count(): number;
  /**
   * The smallest recorded value that at least this share (0 to 1) of all values does not pass, too high by the
   * relative error at most; null where nothing was recorded.
   */
  quantile(share: number): number | null;
  /** Exact; null where nothing was recorded. */
  max(): number | null;
}

/** The largest latency told apart from larger ones: a day. */
const HIGHEST_MICROS = 24 * 3_600 * 1_000_000;
const FIRST_HIGHEST_MICROS = 100_000;

interface Inner extends LatencyHistogram {
  readonly values: Histogram;
}

/** `digits`: significant decimal digits that are kept; 3 is a relative error of 0.1 %. */
export const createLatencyHistogram = (digits: 2 | 3 = 3): LatencyHistogram => {
  const values = build({
    numberOfSignificantValueDigits: digits,
    lowestDiscernibleValue: 1,
    highestTrackableValue: FIRST_HIGHEST_MICROS,
    autoResize: true,
    bitBucketSize: 32,
    useWebAssembly: false,
  });
  let highest: number | null = null;
  const raise = (micros: number | null): void => {
    if (micros !== null && (highest === null || micros > highest)) highest = micros;
  };
  const histogram: Inner = {
    values,
    record: (micros) => {
      const value = Math.min(HIGHEST_MICROS, Math.max(0, Math.round(micros)));
      values.recordValue(value);
      raise(value);
    },
    merge: (other) => {
      if (other.count() === 0) return;
      values.add((other as Inner).values);
      raise(other.max());
    },
    count: () => values.totalCount,
    quantile: (share) => {
      const count = values.totalCount;
      if (count === 0 || highest === null) return null;
      // Nearest rank, rounded up; the library rounds to the nearest, which would hide the worst of a few values.
      const rank = Math.min(count, Math.max(1, Math.ceil(share * count - 1e-9)));
      return Math.min(highest, values.getValueAtPercentile((100 * rank) / count));
    },
    max: () => highest,
  };
  return histogram;
};
