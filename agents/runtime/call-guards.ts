/**
 * What is asked before a call leaves the process: whether the breaker of its model or tool is closed, and whether the day's
 * money allows it. Both are shared by all workers; what they say is journaled where it was acted on.
 */
import type { GuardedName } from '../../connectors/guarded-calls/breaker-state.ts';
import type { EndCode } from '../../schemas/execution-payloads.ts';

export interface MoneyAsked {
  /** executionId:epoch:step. */
  readonly costId: string;
  readonly agent: string;
  readonly tenant: string;
  /** The most it can come to, exact decimal in US dollars. */
  readonly usd: string;
  /** Of its intent, microseconds since the Unix epoch. */
  readonly at: number;
  /** What the agent's definition allows a day. */
  readonly usdPerDay: { readonly agent: string | null; readonly tenant: string | null };
  /** How long it may wait, and what its execution ends as then; where left out, the signal alone ends the wait. */
  readonly time?: { readonly leftMs: number; readonly code: 'wall-time' | 'deadline' };
}

/** Why a call is not made, and when it may be. */
export interface HeldBack {
  readonly message: string;
  /** Null: another's call is trying it now, and nobody knows how long that takes. */
  readonly retryAfterMs: number | null;
}

/** Why money may not be spent, as its execution ends. */
export interface Denial {
  readonly code: EndCode;
  readonly message: string;
}

export interface CallGuards {
  /** Null: it may be called. */
  mayCall(name: GuardedName): Promise<HeldBack | null>;
  /** Whether it may be called now; whoever asks does not call it, and takes no trial from others. */
  peek(name: GuardedName): Promise<boolean>;
  /** Told of each call that was allowed, `sinceMs` ago, and made. */
  called(name: GuardedName, worked: boolean, sinceMs: number): void;
  /** Told of each that was allowed, so long ago, and then not made: it may have been the one that tries an open breaker. */
  notMade(name: GuardedName, sinceMs: number): void;
  /** Null: it may be spent. To be asked once the intent stands in the journal. Waits while counters are rebuilt, as long as there is time. */
  reserve(money: MoneyAsked, signal: AbortSignal): Promise<Denial | null>;
  /** What a call came to, in the place of what was reserved. */
  settle(costId: string, usd: string): void;
}

export const UNGUARDED: CallGuards = {
  mayCall: async () => null,
  peek: async () => true,
  called: () => undefined,
  notMade: () => undefined,
  reserve: async () => null,
  settle: () => undefined,
};
