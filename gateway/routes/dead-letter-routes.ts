/** Records that could not be processed: looked at, and taken through again once what was wrong is mended. */
import { z } from 'zod';
import type { RecordToAppend } from '../../connectors/kafka/kafka.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { changeTopic, TOPICS } from '../../schemas/topics.ts';
import { auditRecord } from '../audit-record.ts';
import type { GatewayContext } from '../gateway-context.ts';
import { line, ofChange, wholeNumber } from '../http/fields.ts';
import { requireOperator } from '../http/principal-of-request.ts';
import { route } from '../http/route.ts';
import { DEAD_LETTER_REDRIVE, DEAD_LETTER_REDRIVE_FAILED } from '../read-models/dead-letter-list.ts';
import { readOrigins } from '../read-origins.ts';
import { recordPreview, textPreview } from '../record-preview.ts';
import { againOf, MOST_REDRIVEN, notRedriven, redrivenAtOnce, taskAgainOf } from '../redrive-record.ts';
import { deadLetterKindOf, deadLetterKindSchema } from '../views/dead-letter-kinds.ts';
import { isoTime } from '../views/times.ts';

const SHOWN_OF_HEADER = 500;

const place = line(300).regex(/^[A-Za-z0-9._-]{1,249}:\d{1,6}:\d{1,15}$/, 'is no topic:partition:offset');
const filter = { topic: line(249).optional(), reason: line(80).optional() };
const letter = {
  place: z.string().describe('topic:partition:offset of the record.'),
  origin: z.object({ topic: z.string(), partition: z.number(), offset: z.number() }),
  stage: z.string(),
  reason: z.string(),
  message: z.string(),
  key: z.string().nullable(),
  valueBytes: z.number(),
  at: z.string().nullable(),
};
const left = z
  .array(z.object({ place: z.string(), why: z.string() }))
  .describe('Not taken through again, and why.');

export const deadLetterRoutes = ({ models, settings }: GatewayContext) => {
  const { kafka, codec, writer, clock, config } = settings;
  const changeTopics = Object.keys(config.sources).map((source) => changeTopic(source).name);
  const found = (at: string) => {
    const held = models.deadLetters.get(at);
    if (!held) throw new FreshetError('not-found', `${at} is not among the last dead letters`);
    return held;
  };
  return [
    route({
      method: 'GET',
      path: '/v1/dead-letters',
      tag: 'refusals',
      summary: 'Records that could not be processed, newest first, counted by topic and reason',
      query: z.strictObject({ limit: wholeNumber(1, 1_000, 100), ...filter }),
      answers: [
        {
          ...{ status: 200, description: 'Dead letters.' },
          schema: z.object({
            held: z.number().describe('All that match, of the last 1,000.'),
            groups: z.array(z.object({ name: z.string(), count: z.number() })).describe('By reason.'),
            kinds: z
              .array(deadLetterKindSchema)
              .describe('By topic and reason, all that match; the newest first.'),
            items: z.array(z.object({ ...letter, redriven: z.boolean() })),
          }),
        },
      ],
      errors: [],
      handle: async ({ query: { limit, ...asked } }) => {
        const { items, kinds, ...rest } = models.deadLetters.list(limit, asked);
        return {
          ...rest,
          kinds: kinds.map(deadLetterKindOf),
          items: items.map((each) => ({ ...each, at: isoTime(each.at) })),
        };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/dead-letters/record',
      tag: 'refusals',
      summary: 'One of them with the beginning of the record itself, credentials taken out',
      query: z.strictObject({ place }),
      answers: [
        {
          ...{ status: 200, description: 'The dead letter.' },
          schema: z.object({
            ...letter,
            inLog: z.boolean().describe('False: its topic keeps it no more.'),
            headers: z.record(z.string(), z.string()),
            value: z.object({ text: z.string().nullable(), hex: z.string().nullable() }).nullable(),
          }),
        },
      ],
      errors: ['not-found', 'kafka-unavailable'],
      handle: async ({ query }) => {
        const held = found(query.place);
        const record = (await readOrigins(kafka, [held.origin])).get(held.place);
        const headers = Object.entries(record?.headers ?? {}).map(([name, value]) => [
          name,
          textPreview(value.toString('utf8'), SHOWN_OF_HEADER),
        ]);
        return {
          ...held,
          at: isoTime(held.at),
          inLog: record !== undefined,
          headers: Object.fromEntries(headers) as Record<string, string>,
          value: record?.value ? recordPreview(record.value) : null,
        };
      },
    }),
    route({
      method: 'POST',
      path: '/v1/dead-letters/redrive',
      tag: 'refusals',
      summary:
        'Takes records through again: named ones, or all that match and were not yet. A change as it stands in the log, a task as a new one',
      body: z
        .strictObject({
          places: z.array(place).min(1).max(MOST_REDRIVEN).optional(),
          filter: z.strictObject(filter).optional(),
          ...ofChange,
        })
        .refine(
          ({ places, filter: by }) => (places === undefined) !== (by === undefined),
          'give places or filter',
        ),
      answers: [
        {
          ...{ status: 200, description: 'What was taken through again, or would be.' },
          schema: z.object({
            dryRun: z.boolean(),
            redriven: z.array(z.string()),
            tasks: z
              .array(z.object({ place: z.string(), taskId: z.string() }))
              .describe('Of those, the tasks: each is a new one, under a name of its own.'),
            left,
            more: z
              .number()
              .describe(
                `Left for another request: beyond ${MOST_REDRIVEN}, or too large to be held at once.`,
              ),
          }),
        },
      ],
      errors: ['forbidden', 'not-found', 'append-failed', 'kafka-unavailable', 'registry-unavailable'],
      handle: async ({ body, principal }) => {
        // They are of all tenants, and of none.
        requireOperator(principal, 'dead letters are taken through again');
        const { dryRun, places, reason = null } = body;
        const matches = places
          ? [...new Set(places)].map(found)
          : models.deadLetters
              .list(Number.MAX_SAFE_INTEGER, body.filter)
              .items.filter((each) => !each.redriven);
        const not: { place: string; why: string }[] = [];
        const again: { at: string; record: RecordToAppend }[] = [];
        const tasks: { place: string; taskId: string }[] = [];
        const judged = redrivenAtOnce(
          matches.map((each) => ({
            ...each,
            never: notRedriven(each.origin.topic, each.reason, changeTopics),
          })),
        );
        const more = matches.length - judged.length;
        const records = await readOrigins(
          kafka,
          judged.flatMap(({ origin, never }) => (never === null ? [origin] : [])),
        );
        for (const { place: at, never } of judged) {
          const record = records.get(at);
          const task = record?.topic === TOPICS.tasks.name && (await taskAgainOf(record, codec, clock()));
          if (task) tasks.push({ place: at, taskId: task.taskId });
          const appended = task ? task.record : record && againOf(record);
          if (appended) again.push({ at, record: appended });
          else
            not.push({
              place: at,
              why: never ?? (record ? 'its key or a header is no text' : 'its topic keeps it no more'),
            });
        }
        const redriven = again.map(({ at }) => at);
        if (!dryRun && again.length > 0) {
          const audit = {
            at: clock(),
            by: principal.name,
            action: DEAD_LETTER_REDRIVE,
            targets: redriven,
            reason,
          };
          // The audit first: nothing is done that is not written down.
          await writer.append([auditRecord(codec, audit)]);
          try {
            await writer.append(again.map(({ record }) => record));
          } catch (error) {
            const failed = { ...audit, at: clock(), action: DEAD_LETTER_REDRIVE_FAILED };
            await writer.append([auditRecord(codec, failed)]).catch(() => undefined);
            throw error;
          }
        }
        return { dryRun, redriven, tasks, left: not, more };
      },
    }),
  ];
};
