/** The freshness objective over time: how many commits were searchable within the target, by slots of some seconds. Pure. */

export interface Objective {
  /** Commit to searchable. */
  readonly targetMs: number;
  /** Share of commits that must keep to it, e.g. 0.9999. */
  readonly objective: number;
}

export interface ServiceLevelReport {
  /** Over the longest span that is kept. */
  readonly commits: number;
  readonly withinTarget: number;
  /** Null without commits, like the two below. */
  readonly share: number | null;
  /** 1: nothing spent; 0: all that the objective allows is spent, or more. */
  readonly errorBudgetLeft: number | null;
  /** How many times faster than the objective allows the budget is being spent, by span. */
  readonly burnRates: Readonly<Record<string, number | null>>;
  /** Commits that missed the target, by span. */
  readonly late: Readonly<Record<string, number>>;
}

export interface ServiceLevel {
  /** Adds commits that became searchable at a time (microseconds). */
  add(atMicros: number, kept: boolean): void;
  report(nowMicros: number, objective: number): ServiceLevelReport;
}

/** The windows of multi-window burn-rate alerts (Google's SRE workbook, chapter 5), in seconds. */
export const BURN_SPANS = {
  '5m': 300,
  '30m': 1_800,
  '1h': 3_600,
  '2h': 7_200,
  '6h': 21_600,
  '1d': 86_400,
  '3d': 259_200,
} as const;

export type BurnSpan = keyof typeof BURN_SPANS;

interface Tally {
  readonly commits: number;
  readonly kept: number;
}

/** Counts by slots of one length, as many as a span needs. */
const createSlots = (slotSeconds: number, longestSeconds: number) => {
  const slots = new Map<number, { commits: number; kept: number }>();
  const slotOf = (micros: number): number => Math.floor(micros / (slotSeconds * 1e6));
  const forgetBefore = (now: number): void => {
    for (const slot of slots.keys()) if (slot <= now - longestSeconds / slotSeconds) slots.delete(slot);
  };
  return {
    add: (atMicros: number, kept: boolean): void => {
      const at = slotOf(atMicros);
      // Here as well, for nobody may ever ask for a sum.
      if (!slots.has(at)) forgetBefore(at);
      const slot = slots.get(at) ?? { commits: 0, kept: 0 };
      slot.commits += 1;
      slot.kept += kept ? 1 : 0;
      slots.set(at, slot);
    },
    sum: (nowMicros: number, seconds: number): Tally => {
      const now = slotOf(nowMicros);
      forgetBefore(now);
      let commits = 0;
      let kept = 0;
      for (const [slot, each] of slots) {
        if (slot <= now - seconds / slotSeconds || slot > now) continue;
        commits += each.commits;
        kept += each.kept;
      }
      return { commits, kept };
    },
  };
};

const FINE_SECONDS = BURN_SPANS['1h'];
const LONGEST_SECONDS = BURN_SPANS['3d'];

export const createServiceLevel = (): ServiceLevel => {
  // Short spans need fine slots, long ones need few.
  const fine = createSlots(10, FINE_SECONDS);
  const coarse = createSlots(300, LONGEST_SECONDS);
  const sum = (now: number, seconds: number): Tally =>
    (seconds <= FINE_SECONDS ? fine : coarse).sum(now, seconds);

  const burn = ({ commits, kept }: { commits: number; kept: number }, objective: number): number | null =>
    commits === 0 ? null : (commits - kept) / commits / (1 - objective);

  return {
    add: (atMicros, kept) => {
      fine.add(atMicros, kept);
      coarse.add(atMicros, kept);
    },
    report: (now, objective) => {
      const all = sum(now, LONGEST_SECONDS);
      const rate = burn(all, objective);
      const tallies = Object.entries(BURN_SPANS).map(([span, seconds]) => [span, sum(now, seconds)] as const);
      return {
        commits: all.commits,
        withinTarget: all.kept,
        share: all.commits === 0 ? null : all.kept / all.commits,
        errorBudgetLeft: rate === null ? null : Math.max(0, 1 - rate),
        burnRates: Object.fromEntries(tallies.map(([span, tally]) => [span, burn(tally, objective)])),
        late: Object.fromEntries(tallies.map(([span, { commits, kept }]) => [span, commits - kept])),
      };
    },
  };
};
