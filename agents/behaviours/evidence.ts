/**
 * Evidence about means that may be looked at after every observation: each value is the logarithm of a process that, where the claim it
 * argues against is true, starts at 1 and is never expected to grow, so it ever passes 1/a with a chance of at most a (Ville's
 * inequality). Looking often costs nothing, and neither does a share of tasks that changes on the way. Pure.
 *
 * The process is the likelihood ratio of a mixture of all means (Beta(1/2, 1/2)) against one: H. Robbins, "Statistical methods related to the law of the
 * iterated logarithm", 1970; two samples and a composite claim: Turner, Ly, Grünwald, "Generic E-variables for exact sequential k-sample tests", 2024. Of
 * observations between 0 and 1, such as scores, it holds as of yes and no: a likelihood ratio is convex in the observation, so yes and no are its worst case.
 */

/** Observations between 0 and 1. */
export interface Sample {
  readonly count: number;
  readonly sum: number;
}

// Lanczos, g = 7: fifteen digits.
const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406,
  12.507343278686905, -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

const logGamma = (value: number): number => {
  const x = value - 1;
  const t = x + 7.5;
  const sum = LANCZOS.reduce((all, each, at) => (at === 0 ? each : all + each / (x + at)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (x + 0.5) * Math.log(t) - t + Math.log(sum);
};

/** 0 of nothing, whatever the chance. */
const times = (count: number, chance: number): number => (count === 0 ? 0 : count * Math.log(chance));

/** Of a mixture of all means; less log π, which is that of Beta(1/2, 1/2) itself. */
const mixture = ({ count, sum }: Sample): number =>
  logGamma(sum + 0.5) + logGamma(count - sum + 0.5) - logGamma(count + 1) - Math.log(Math.PI);

const likelihood = ({ count, sum }: Sample, mean: number): number =>
  times(sum, mean) + times(count - sum, 1 - mean);

export const meanOf = ({ count, sum }: Sample): number => (count === 0 ? 0 : sum / count);

/** Against: the mean is at most `bound`. */
export const evidenceAbove = (sample: Sample, bound: number): number =>
  mixture(sample) - likelihood(sample, Math.min(bound, meanOf(sample)));

/** Against: the mean is at least `bound`. */
export const evidenceBelow = (sample: Sample, bound: number): number =>
  mixture(sample) - likelihood(sample, Math.max(bound, meanOf(sample)));

/** Against: the mean of the one is at most that of the other. */
export const evidenceOfMore = (one: Sample, other: Sample): number => {
  const pooled = meanOf({ count: one.count + other.count, sum: one.sum + other.sum });
  const [first, second] = meanOf(one) > meanOf(other) ? [pooled, pooled] : [meanOf(one), meanOf(other)];
  return mixture(one) + mixture(other) - likelihood(one, first) - likelihood(other, second);
};

/** Against: the mean of the one is more than that of the other by `margin` or beyond. */
export const evidenceWithin = (one: Sample, other: Sample, margin: number): number => {
  const at = (mean: number): number => likelihood(one, mean + margin) + likelihood(other, mean);
  const most =
    meanOf(one) - meanOf(other) >= margin
      ? likelihood(one, meanOf(one)) + likelihood(other, meanOf(other))
      : peakOf(at, 1 - margin);
  return mixture(one) + mixture(other) - most;
};

const GOLDEN = (Math.sqrt(5) - 1) / 2;
const ROUNDS = 30;

/** The highest value of a concave function between 0 and `end`. */
const peakOf = (value: (at: number) => number, end: number): number => {
  let [low, high] = [0, end];
  let [left, right] = [end * (1 - GOLDEN), end * GOLDEN];
  let [atLeft, atRight] = [value(left), value(right)];
  for (let round = 0; round < ROUNDS; round += 1) {
    if (atLeft < atRight) {
      [low, left, atLeft] = [left, right, atRight];
      right = low + (high - low) * GOLDEN;
      atRight = value(right);
    } else {
      [high, right, atRight] = [right, left, atLeft];
      left = low + (high - low) * (1 - GOLDEN);
      atLeft = value(left);
    }
  }
  return Math.max(atLeft, atRight);
};
