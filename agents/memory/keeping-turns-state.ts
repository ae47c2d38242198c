/** When memories are kept next, and what that turn does: where a bound left work over it goes on at once, with that work alone. Pure. */
export interface KeptMemories {
  readonly sessionsEnded: number;
  readonly turnsMoved: number;
  readonly expired: number;
  readonly tooMany: number;
  /** Of which nothing need be known any more. */
  readonly dropped: number;
}

export const SESSIONS_A_TURN = 200;
export const PRUNED_A_TURN = 500;
const AGAIN_MS = 50;

/** `sincePrunedMs`: since pruning last began, which looks at every memory. */
export const nextTurn = (
  { sessionsEnded, expired, tooMany, dropped }: KeptMemories,
  sincePrunedMs: number,
  everyMs: number,
): { readonly afterMs: number; readonly prunes: boolean } => {
  const prunedFull = expired + tooMany + dropped >= PRUNED_A_TURN;
  if (!prunedFull && sessionsEnded < SESSIONS_A_TURN) return { afterMs: everyMs, prunes: true };
  return { afterMs: AGAIN_MS, prunes: prunedFull || sincePrunedMs + AGAIN_MS >= everyMs };
};
