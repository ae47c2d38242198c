/**
 * Money of a UTC day per agent and per tenant, over all executions and workers (rule B). Counters beside the journal,
 * never the truth: where they were lost, nothing may be spent until they are folded from it again.
 */

/** Exact decimals in US dollars for one UTC day; null: without a limit. */
export interface DailyLimits {
  readonly agentUsd: string | null;
  readonly tenantUsd: string | null;
}

export interface Reservation {
  /** executionId:epoch:step, as in freshet.costs. */
  readonly costId: string;
  readonly agent: string;
  readonly tenant: string;
  /** The most it can come to, exact decimal in US dollars. */
  readonly usd: string;
  /** Of its intent in the journal, microseconds since the Unix epoch: says which day pays. */
  readonly at: number;
  readonly limits: DailyLimits;
}

export type BudgetCode = 'agent-budget' | 'tenant-budget' | 'budget-unknown';

export type ReserveVerdict =
  | { readonly allowed: true }
  | {
      readonly allowed: false;
      readonly code: BudgetCode;
      /** For the journal: says nothing of what other tenants spent (I9). */
      readonly reason: string;
      /** Of the budget that forbids it; null where unknown. For operators. */
      readonly remainingUsd: string | null;
    };

/** A call as the journal has it, to be counted again. */
export interface JournaledCost {
  readonly costId: string;
  readonly agent: string;
  readonly tenant: string;
  readonly usd: string;
  /** False: counted at its reservation. */
  readonly settled: boolean;
}

export interface DailySpending {
  /** UTC, 2026-11-21. */
  readonly day: string;
  /** False: the counters were lost and are not rebuilt yet; what is given is then no sum. */
  readonly known: boolean;
  /** Reserved and settled together, exact decimals by the names asked for. */
  readonly agents: Readonly<Record<string, string>>;
  readonly tenants: Readonly<Record<string, string>>;
}

export interface BudgetLedger {
  /**
   * Counts a call before it is made, if both budgets of its day allow it. To be asked once its intent stands in the
   * journal: a rebuild then finds every call that may be made. The same costId again changes nothing. Never throws:
   * what cannot be known is denied as `budget-unknown`; where neither budget has a limit nothing is denied.
   */
  reserve(reservation: Reservation): Promise<ReserveVerdict>;
  /**
   * Puts what a call came to in the place of its reservation; '0' gives it back. The first time counts. Never throws:
   * where it cannot be said now, it is said later, and the reservation stands until then.
   */
  settle(settled: { readonly costId: string; readonly usd: string }): Promise<void>;
  /**
   * Counts a day from the journal. `read` is called after the rebuild began, and must give every cost of the day up
   * to the journal's end then. Any number of workers may rebuild at once. Does nothing where the day is known.
   * Errors: `unavailable` (the counters were lost again, or do not answer), and what `read` throws.
   */
  rebuild(day: string, read: () => Promise<readonly JournaledCost[]>): Promise<void>;
  /** Errors: `unavailable`. */
  spending(
    day: string,
    of: { readonly agents: readonly string[]; readonly tenants: readonly string[] },
  ): Promise<DailySpending>;
  close(): Promise<void>;
}

const DAY_MICROS = 86_400_000_000;

/** The UTC day of a time in microseconds. */
export const dayOf = (at: number): string => new Date(Math.floor(at / 1_000)).toISOString().slice(0, 10);

/** Its first millisecond since the Unix epoch. */
export const startOfDay = (day: string): number => Date.parse(`${day}T00:00:00Z`);

export const dayBefore = (day: string): string => dayOf(startOfDay(day) * 1_000 - DAY_MICROS);
