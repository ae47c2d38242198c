/** Dead letters by topic and reason, as the API gives them. */
import { z } from 'zod';
import type { DeadLetterKind } from '../read-models/dead-letter-list.ts';
import { isoTime } from './times.ts';

export const deadLetterKindSchema = z.object({
  topic: z.string(),
  reason: z.string(),
  count: z.number(),
  redriven: z.number().describe('Of these, taken through again.'),
  firstAt: z.string().nullable(),
  lastAt: z.string().nullable(),
});

export type DeadLetterView = z.infer<typeof deadLetterKindSchema>;

export const deadLetterKindOf = (kind: DeadLetterKind): DeadLetterView => ({
  ...kind,
  firstAt: isoTime(kind.firstAt),
  lastAt: isoTime(kind.lastAt),
});
