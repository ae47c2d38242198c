/** Items in their order, so many at a time. */
export const slicesOf = function* <T>(items: readonly T[], size: number): Generator<T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
};
