/** How many items a queue takes at a time: as many as a batch's time allows, by how long the last one took. Pure. */
export interface BatchBounds {
  readonly least: number;
  readonly most: number;
  /** Batches become smaller when one takes longer than this, larger while a full one takes less than half of it; ms. */
  readonly withinMs: number;
}

/** The size that follows a batch of `count` items, when `size` were allowed and it took `tookMs`. */
export const nextBatchSize = (bounds: BatchBounds, size: number, count: number, tookMs: number): number => {
  if (tookMs > bounds.withinMs) return Math.max(bounds.least, size >> 1);
  if (count === size && tookMs * 2 < bounds.withinMs) return Math.min(bounds.most, size * 2);
  return size;
};

/** The same size at all times. */
export const ofAtMost = (size: number): BatchBounds => ({
  least: size,
  most: size,
  withinMs: Number.POSITIVE_INFINITY,
});
