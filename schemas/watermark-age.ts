/** How old a watermark is, and one that was heard a while ago: nothing was heard since, so it is older by that time. Pure. */
import type { SourceWatermark, Watermark } from './search.ts';

/** In milliseconds: one that is not known may be any. */
export const ageOf = ({ stalenessMs }: Pick<Watermark, 'stalenessMs'>): number =>
  stalenessMs ?? Number.POSITIVE_INFINITY;

const aged = <Of extends Watermark>(watermark: Of, ms: number): Of => ({
  ...watermark,
  stalenessMs: watermark.stalenessMs === null ? null : watermark.stalenessMs + ms,
});

/** `ms`: since they were heard; 0 or more. Held tables grow older with their sources. */
export const agedWatermarks = (
  watermarks: Readonly<Record<string, SourceWatermark>>,
  ms: number,
): Readonly<Record<string, SourceWatermark>> =>
  Object.fromEntries(
    Object.entries(watermarks).map(([source, watermark]) => [
      source,
      {
        ...aged(watermark, ms),
        heldTables: Object.fromEntries(
          Object.entries(watermark.heldTables).map(([table, held]) => [table, aged(held, ms)]),
        ),
      },
    ]),
  );
