/** How amounts are spread, such as costs and durations: counted in steps of 5 %, so that millions take as little as ten. */
import { evidenceAbove, evidenceBelow } from './evidence.ts';

export interface Spread {
  /** A whole number, 0 or more. */
  add(amount: number): void;
  count(): number;
  /** The step that this share (0 to 1) of all does not pass. */
  quantileStep(share: number): number;
  /** By step: how many lie above it. */
  above(): Uint32Array;
}

const RATIO = 1.05;
/** Up to a quadrillion of anything: a thousand dollars in picodollars, thirty years in microseconds. */
const STEPS = 710;

const stepsOf = (factor: number): number => Math.ceil(Math.log(factor) / Math.log(RATIO) - 1e-9);

const stepOf = (amount: number): number => (amount < 1 ? 0 : Math.min(STEPS - 1, 1 + stepsOf(amount)));

/** The upper end of a step. */
export const amountOfStep = (step: number): number => (step === 0 ? 0 : RATIO ** (step - 1));

export const createSpread = (): Spread => {
  const counts = new Uint32Array(STEPS);
  let count = 0;
  return {
    add: (amount) => {
      const step = stepOf(amount);
      counts[step] = (counts[step] ?? 0) + 1;
      count += 1;
    },
    count: () => count,
    quantileStep: (share) => {
      let step = 0;
      for (let upTo = counts[0] ?? 0; upTo < share * count; upTo += counts[step] ?? 0) step += 1;
      return step;
    },
    above: () => {
      let left = count;
      return counts.map((each) => {
        left -= each;
        return left;
      });
    },
  };
};

/**
 * Whether a quantile of the one is surely more than `factor` times that of the other, to within a step. Where the other's quantile lies is not
 * known; so for every step either it does not lie there, or more of the one lie beyond so many times that step than may, and the two together
 * are evidence enough (`enough`, as in evidence.ts). The true step is one of them, so that trying all costs nothing.
 */
export const isSurelyHigher = (
  one: Spread,
  other: Spread,
  {
    quantile,
    factor,
    enough,
  }: { readonly quantile: number; readonly factor: number; readonly enough: number },
): boolean => {
  const beyond = 1 - quantile;
  const shift = stepsOf(factor);
  const likely = other.quantileStep(quantile);
  // Not even so in what was seen: the most frequent answer, and the quickest.
  if (one.quantileStep(quantile) <= (likely === 0 ? 0 : likely + shift)) return false;
  const [ones, others] = [one.above(), other.above()];
  const [count, all] = [one.count(), other.count()];
  const isExcluded = (step: number): boolean => {
    const more = { count: all, sum: others[step] ?? 0 };
    const asMuch = { count: all, sum: step === 0 ? all : (others[step - 1] ?? 0) };
    // One of two, so each counts for half.
    const elsewhere = Math.max(evidenceAbove(more, beyond), evidenceBelow(asMuch, beyond)) - Math.LN2;
    // However often nothing is multiplied, it is nothing.
    const over = { count, sum: ones[step === 0 ? 0 : step + shift] ?? 0 };
    return elsewhere + evidenceAbove(over, beyond) >= enough;
  };
  // Where it most likely lies is the hardest to exclude: mostly one look is all.
  return isExcluded(likely) && others.every((_, step) => isExcluded(step));
};
