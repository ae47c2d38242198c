/** How much of each source the index covers, asked each second and aged in between. */
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { SourceWatermark } from '../../schemas/search.ts';
import { agedWatermarks } from '../../schemas/watermark-age.ts';

type Watermarks = Readonly<Record<string, SourceWatermark>>;

export interface IndexCoverage {
  /** As of now: a staleness goes on growing while the index does not answer. */
  all(): Watermarks;
  stop(): void;
}

const EVERY_MS = 1_000;

export const followCoverage = (index: Pick<IndexService, 'watermarks'>, clock: Clock): IndexCoverage => {
  let last: { readonly at: number; readonly watermarks: Watermarks } = { at: clock(), watermarks: {} };
  let asking = false;
  const ask = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    try {
      const watermarks = await index.watermarks();
      last = { at: clock(), watermarks };
    } catch {
      // It stays as old as it was, and grows older.
    } finally {
      asking = false;
    }
  };
  const timer = setInterval(() => void ask(), EVERY_MS);
  void ask();
  return {
    all: () => agedWatermarks(last.watermarks, Math.max(0, (clock() - last.at) / 1_000)),
    stop: () => clearInterval(timer),
  };
};
