/** The comparison as a scan that never hurries: one table after the other, then a rest; its counts are a metric. */
import { setTimeout as sleep } from 'node:timers/promises';
import { toError } from '../../schemas/errors.ts';
import type { OwnedWork } from '../owned-by-one.ts';
import { type ReconcileSourcesSettings, type ReplicaReport, reconcileSources } from './reconcile-sources.ts';

export interface BackgroundScanSettings
  extends Omit<ReconcileSourcesSettings, 'repair' | 'pauseMs' | 'onProgress'> {
  /** From the end of one scan to the beginning of the next. */
  readonly everyMs: number;
  readonly onCompared: (report: ReplicaReport) => void;
  readonly onTrouble: (error: Error) => void;
}

/** A page of 500 rows a second: some 100 CPU-ms of it. */
const PAUSE_MS = 1_000;
/** A new owner lets what it took over come to rest, but not for hours: owners may change more often than scans are due. */
const FIRST_AFTER_MS = 5 * 60_000;

export const scanInBackground = (settings: BackgroundScanSettings): OwnedWork => {
  const ended = new AbortController();
  const { signal } = ended;
  const run = async (): Promise<void> => {
    for (let pauseMs = Math.min(FIRST_AFTER_MS, settings.everyMs); ; pauseMs = settings.everyMs) {
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        const reports = reconcileSources({
          ...settings,
          signal,
          repair: false,
          pauseMs: PAUSE_MS,
          onProgress: () => undefined,
        });
        for await (const report of reports) settings.onCompared(report);
      } catch (thrown) {
        if (!signal.aborted) settings.onTrouble(toError(thrown));
      }
    }
  };
  const running = run();
  return {
    stop: async () => {
      ended.abort();
      await running;
    },
  };
};
