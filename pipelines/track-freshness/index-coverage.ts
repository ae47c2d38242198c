/** How much of each source the index covers, asked each second and aged in between. */
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { SourceWatermark, Watermark } from '../../schemas/search.ts';

type Watermarks = Readonly<Record<string, SourceWatermark>>;

export interface IndexCoverage {
  /** As of now: a staleness goes on growing while the index does not answer. */
  all(): Watermarks;
  stop(): void;
}

const EVERY_MS = 1_000;

const aged = <Of extends Watermark>(watermark: Of, ms: number): Of => ({
  ...watermark,
  stalenessMs: watermark.stalenessMs === null ? null : watermark.stalenessMs + ms,
});

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
    all: () => {
      const ms = Math.max(0, (clock() - last.at) / 1_000);
      return Object.fromEntries(
        Object.entries(last.watermarks).map(([source, watermark]) => [
          source,
          {
            ...aged(watermark, ms),
            heldTables: Object.fromEntries(
              Object.entries(watermark.heldTables).map(([table, held]) => [table, aged(held, ms)]),
            ),
          },
        ]),
      );
    },
    stop: () => clearInterval(timer),
  };
};
