import type { OwnedWork } from '../../pipelines/owned-by-one.ts';

/**
 * Work that one process does at a time, with the gauges that it sets: they end with it. Metrics of all processes are
 * added up, so what a former owner saw last would stand beside what its successor sees, for good.
 */
export const withOwnedGauges = (
  work: OwnedWork,
  gauges: readonly { readonly reset: () => void }[],
): OwnedWork => ({
  stop: () =>
    work.stop().finally(() => {
      for (const gauge of gauges) gauge.reset();
    }),
});
