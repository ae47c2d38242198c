/** What a source's state is worth by now. Pure. */
import type { SourceState } from '../../schemas/records.ts';

/** Its watch writes every ten seconds, whatever happens; it may be busy with one step for longer. */
const TOLD_WITHIN_US = 60_000_000;

/** The state as it was said last, or `unknown` when nobody has said anything for a minute: what streamed then need not now. */
export const standingState = (state: SourceState, now: number): SourceState => {
  const silent = now - state.updatedAt;
  if (silent <= TOLD_WITHIN_US) return state;
  return {
    ...state,
    state: 'unknown',
    reason: `nobody has looked at it for ${Math.round(silent / 1e6)} seconds: is the pipeline role running? It was ${state.state} then`,
    connector: 'unknown',
    retainedWalBytes: null,
  };
};
