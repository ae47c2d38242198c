/**
 * Whether a task that waits is to be journaled whole at the log's end, so that it pins nothing (rule J): once when it has waited for
 * long, and again when much of the journal lies behind that. Pure.
 */
export interface WaitLimits {
  /** How long it waits before it is journaled whole, milliseconds. */
  readonly afterMs: number;
  /** The same where its partition is read no further until something is finished. */
  readonly pressedMs: number;
  /** Sooner, if so many tasks were taken on behind it... */
  readonly tasksBehind: number;
  /** ...or so many records of the journal are kept for it alone. */
  readonly recordsBehind: number;
  /** Again after this time at the latest, as no log is kept for ever; milliseconds. */
  readonly renewMs: number;
  /** Of one partition; those over it keep their place in the log as what runs does. */
  readonly most: number;
}

export const DEFAULT_WAIT_LIMITS = {
  afterMs: 60_000,
  pressedMs: 1_000,
  tasksBehind: 1_000,
  recordsBehind: 10_000,
  renewMs: 24 * 3_600_000,
  most: 10_000,
} as const satisfies WaitLimits;

export interface WaitSeen {
  readonly waitedMs: number;
  /** Tasks of its partition between it and the last that was taken on. */
  readonly tasksBehind: number;
  /** Records of the journal between what a successor must read of it and the log's end. */
  readonly recordsBehind: number;
  /** Since it was journaled whole; null: it was not yet. */
  readonly journaledMs: number | null;
}

/** `journaled`: waits of the partition that are journaled whole. `pressed`: the partition is read no further. */
export const isWaitDue = (
  wait: WaitSeen,
  { journaled, pressed }: { readonly journaled: number; readonly pressed: boolean },
  limits: WaitLimits,
): boolean => {
  if (wait.journaledMs === null)
    return (
      journaled < limits.most &&
      (wait.waitedMs >= (pressed ? limits.pressedMs : limits.afterMs) ||
        wait.tasksBehind >= limits.tasksBehind ||
        wait.recordsBehind >= limits.recordsBehind)
    );
  // Each is a record itself: were the bound not above their number, they would renew each other for ever.
  return wait.recordsBehind >= renewedBehind(journaled, limits) || wait.journaledMs >= limits.renewMs;
};

/** At most one record in so many is a renewal. */
const RENEWALS_APART = 4;

const renewedBehind = (journaled: number, { recordsBehind }: Pick<WaitLimits, 'recordsBehind'>): number =>
  Math.max(recordsBehind, RENEWALS_APART * journaled);

/**
 * Records of a partition's journal that lie behind what is journaled whole before it is journaled again, however many others are: who
 * reads from twice as far back knows all that waits, without having been told where to begin.
 */
export const mostBehind = (limits: Pick<WaitLimits, 'recordsBehind' | 'most'>): number =>
  renewedBehind(limits.most, limits);
