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
}

export interface ServiceLevel {
  /** Adds commits that became searchable at a time (microseconds). */
  add(atMicros: number, kept: boolean): void;
  report(nowMicros: number, objective: number): ServiceLevelReport;
}

export const BURN_SPANS = { '5m': 5 * 60, '1h': 60 * 60 } as const;
const SLOT_SECONDS = 10;
const LONGEST_SLOTS = BURN_SPANS['1h'] / SLOT_SECONDS;

const slotOf = (micros: number): number => Math.floor(micros / (SLOT_SECONDS * 1e6));

export const createServiceLevel = (): ServiceLevel => {
  const slots = new Map<number, { commits: number; kept: number }>();

  const sum = (nowSlot: number, count: number): { readonly commits: number; readonly kept: number } => {
    let commits = 0;
    let kept = 0;
    for (const [slot, each] of slots) {
      if (slot <= nowSlot - count || slot > nowSlot) continue;
      commits += each.commits;
      kept += each.kept;
    }
    return { commits, kept };
  };

  const burn = ({ commits, kept }: { commits: number; kept: number }, objective: number): number | null =>
    commits === 0 ? null : (commits - kept) / commits / (1 - objective);

  return {
    add: (atMicros, kept) => {
      const at = slotOf(atMicros);
      const slot = slots.get(at) ?? { commits: 0, kept: 0 };
      slot.commits += 1;
      slot.kept += kept ? 1 : 0;
      slots.set(at, slot);
    },
    report: (nowMicros, objective) => {
      const now = slotOf(nowMicros);
      for (const slot of slots.keys()) if (slot <= now - LONGEST_SLOTS) slots.delete(slot);
      const all = sum(now, LONGEST_SLOTS);
      const rate = burn(all, objective);
      return {
        commits: all.commits,
        withinTarget: all.kept,
        share: all.commits === 0 ? null : all.kept / all.commits,
        errorBudgetLeft: rate === null ? null : Math.max(0, 1 - rate),
        burnRates: Object.fromEntries(
          Object.entries(BURN_SPANS).map(([span, seconds]) => [
            span,
            burn(sum(now, seconds / SLOT_SECONDS), objective),
          ]),
        ),
      };
    },
  };
};
