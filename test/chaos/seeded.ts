/** Numbers that follow from a seed alone, and what is drawn by them. */

/** Numbers in [0, 1) (mulberry32). */
export const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** A whole number. */
export const between = (random: () => number, least: number, most: number): number =>
  Math.round(least + random() * (most - least));

export const pick = <Of>(random: () => number, from: readonly [Of, ...Of[]]): Of =>
  from[Math.floor(random() * from.length)] ?? from[0];

export const shuffled = <Of>(random: () => number, items: readonly Of[]): Of[] => {
  const left = [...items];
  const out: Of[] = [];
  while (left.length > 0) out.push(...left.splice(Math.floor(random() * left.length), 1));
  return out;
};
