/** A stream of numbers that depends on nothing but the parts it was made from. */
export type Random = {
  /** In [0, 1). */
  fraction(): number;
  /** A whole number from min to max, both included. */
  integer(min: number, max: number): number;
  pick<T>(list: readonly T[]): T;
  chance(probability: number): boolean;
  /** A new list with the same members in another order. */
  shuffle<T>(list: readonly T[]): T[];
};

const hash = (parts: readonly (string | number)[]): number => {
  let state = 0x811c9dc5;
  const text = parts.join('\u0000');
  for (let index = 0; index < text.length; index += 1) {
    state = Math.imul(state ^ text.charCodeAt(index), 0x01000193);
  }
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
};

/** The same parts always give the same stream (FNV-1a into mulberry32: for variety, not for secrets). */
export const seededRandom = (...parts: readonly (string | number)[]): Random => {
  let state = hash(parts);
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  const integer = (min: number, max: number): number => min + Math.floor(fraction() * (max - min + 1));
  const pick = <T>(list: readonly T[]): T => at(list, integer(0, list.length - 1));
  const shuffle = <T>(list: readonly T[]): T[] => {
    const rest = [...list];
    const shuffled: T[] = [];
    while (rest.length > 0) shuffled.push(...rest.splice(integer(0, rest.length - 1), 1));
    return shuffled;
  };
  return { fraction, integer, pick, shuffle, chance: (probability) => fraction() < probability };
};

/** The member at an index that is known to exist. Throws RangeError where it does not. */
export const at = <T>(list: readonly T[], index: number): T => {
  if (index < 0 || index >= list.length)
    throw new RangeError(`no member ${index} in a list of ${list.length}`);
  return list[index] as T;
};

const greatestCommonDivisor = (a: number, b: number): number =>
  b === 0 ? a : greatestCommonDivisor(b, a % b);

/** A seeded one-to-one shuffle of 0 … size−1, without a list: says where it puts an index. For sizes below 2^26. */
export const permutation = (seed: number, label: string, size: number): ((index: number) => number) => {
  const random = seededRandom(seed, 'permutation', label, size);
  let stride = random.integer(1, size);
  while (greatestCommonDivisor(stride, size) !== 1) stride += 1;
  const offset = random.integer(0, size - 1);
  return (index) => (index * stride + offset) % size;
};
