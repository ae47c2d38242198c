/** Watermarks as the tests of several replicas make them. */
import { type SourceWatermark, UNTRACKED } from '../../../schemas/search.ts';

export const knownWatermark = (
  stalenessMs: number,
  heldTables: SourceWatermark['heldTables'] = {},
): SourceWatermark => ({
  ...{ ...UNTRACKED, state: 'known', reason: null, epoch: 1, position: '0/1', committedAt: 1 },
  stalenessMs,
  heldTables,
});

export const BEHIND: SourceWatermark = { ...UNTRACKED, reason: 'index-behind' };
