/** Watermarks as the API gives them. */
import { z } from 'zod';

const watermark = {
  state: z.enum(['known', 'unknown']),
  reason: z.string().nullable().describe('Why nothing is claimed, or why a table is held back.'),
  epoch: z.number().nullable(),
  position: z.string().nullable().describe('Everything committed up to here is covered.'),
  committedAt: z
    .number()
    .nullable()
    .describe(
      "By the source's clock, microseconds since the Unix epoch: what was committed before it is covered.",
    ),
  stalenessMs: z.number().nullable(),
};

export const watermarkSchema = z.object(watermark);

export const sourceWatermarkSchema = z.object({
  ...watermark,
  heldTables: z
    .record(z.string(), watermarkSchema)
    .describe(
      'Tables that are paused or read anew: their changes are not covered by the watermark of the source.',
    ),
  quarantined: z.number(),
  deadLettered: z.number(),
});
