/** Where a row is judged by itself: compared with no other, counted in no burst, let through by nobody. */
import { NO_LOOKALIKES } from './run-gates.ts';
import { createVolumeWatch } from './volume-state.ts';

export const JUDGED_ALONE = {
  lookalikes: NO_LOOKALIKES,
  volume: createVolumeWatch(() => Number.POSITIVE_INFINITY),
  releaseOf: () => undefined,
};
