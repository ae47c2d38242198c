/** The fields that requests are made of, each with its limits (attacks 5, 6 and 10), stated once for validation and documentation. */
import { z } from 'zod';
import { DEFAULT_FRESHNESS_WAIT_MS, MAX_FRESHNESS_WAIT_MS } from '../../schemas/search.ts';
import { positionOrder } from '../../schemas/source-position.ts';
import { MAX_TASK_ID_CHARACTERS } from '../../schemas/task-identity.ts';

// C0 without tab, line feed and carriage return; DEL and C1; halves of surrogate pairs.
const UNPRINTABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]|\p{Surrogate}/u;
const LINE_BREAK = /[\t\n\r]/;

const clean = (text: string): boolean => !UNPRINTABLE.test(text);

/** Text of people and programs: any language, line breaks and tabs, nothing that does not print. */
export const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine(
      clean,
      'holds characters that do not print: null bytes, control characters or half a surrogate pair',
    )
    .refine((value) => value.trim() !== '', 'is blank');

/** A name or id on one line. */
export const line = (max: number) => text(max).refine((value) => !LINE_BREAK.test(value), 'must be one line');

/** Whatever a task in freshet.tasks may be called. */
export const taskId = line(MAX_TASK_ID_CHARACTERS);
export const executionId = line(200);
export const documentId = line(2_000);
export const tenant = line(200).describe('Defaults to the configured local tenant.');
/** The query of whatever is asked for by its id (find-task.ts, find-execution.ts). */
export const ofTenant = {
  tenant: line(200)
    .optional()
    .describe("Whose it must be: what is another tenant's is answered as if it were not there."),
};
const reason = text(500).describe('Why: audited.');
/** The body of whatever changes something. */
export const ofChange = {
  reason: reason.optional(),
  dryRun: z.boolean().default(false).describe('Say what would be done, and do nothing.'),
};
/** The same, where something goes for good: a reason must be given. */
export const ofRemoval = { ...ofChange, reason };
export const usd = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,12})?$/, 'an exact decimal such as "0.50"')
  .describe('Exact decimal in US dollars.');

const FILTER_KEY = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const MAX_FILTERS = 16;

/** Equality only: a value that is not text is refused, so no operator can be smuggled in. */
export const filter = z
  .record(
    z.string().refine((key) => FILTER_KEY.test(key) && !FORBIDDEN_KEYS.has(key), 'is no name of metadata'),
    line(500),
  )
  .refine((value) => Object.keys(value).length <= MAX_FILTERS, `at most ${MAX_FILTERS} conditions`)
  .describe('Metadata that must be equal; `source` and `table` are such names too.');

/** A whole number in a query string. */
export const wholeNumber = (min: number, max: number, fallback: number) =>
  z.coerce.number().int().min(min).max(max).default(fallback);

/** A moment that somebody names, with its zone. */
export const moment = z.iso
  .datetime({ offset: true, error: 'a time in ISO 8601 with its zone, such as 2026-01-31T09:00:00Z' })
  .describe('ISO 8601 with its zone.');

export const time = z.string().nullable().describe('ISO 8601, UTC.');

/** How fresh a retrieval must be. */
export const freshness = z
  .strictObject({
    maxStalenessMs: z.int().min(0).max(86_400_000).optional(),
    after: z
      .strictObject({
        source: line(41),
        position: line(300)
          .refine(
            (text) => positionOrder(text) !== undefined,
            'is no LSN such as 0/16B3748, nor a binlog file:position',
          )
          .describe(
            'Where the source stood after the write: an LSN (select pg_current_wal_lsn(); pg_current_wal_insert_lsn() after an asynchronous commit) or binlog file:position.',
          ),
      })
      .optional(),
    waitMs: z
      .int()
      .min(0)
      .max(MAX_FRESHNESS_WAIT_MS)
      .optional()
      .describe(
        `Waited for at most; ${DEFAULT_FRESHNESS_WAIT_MS} where left out. Then the error is \`stale\`.`,
      ),
  })
  .describe('What must be covered before the index is searched.');
