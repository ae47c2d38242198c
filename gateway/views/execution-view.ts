/** A task and its execution as the API shows them, with the schemas that document it. Pure. */
import { z } from 'zod';
import type { Feedback } from '../../schemas/records.ts';
import { time } from '../http/fields.ts';
import type { ExecutionEntry, JournaledEvent } from '../read-models/execution-entry.ts';
import { positionOf, STEP_KINDS, timelineOf } from './timeline.ts';
import { isoTime, msBetween } from './times.ts';

const state = z.enum(['pending', 'processing', 'completed', 'failed']);
const problem = z.object({ code: z.string(), message: z.string() }).nullable();
const anything = z.unknown();

export const taskSchema = z.object({
  taskId: z.string(),
  executionId: z.string(),
  agent: z.string(),
  tenant: z.string().nullable(),
  sessionId: z.string().nullable(),
  feature: z.string().nullable(),
  input: z.string(),
  state,
  outcome: z.enum(['completed', 'failed', 'halted']).nullable(),
  result: anything.describe('The output of the agent: {text, citations, model, finishReason}.'),
  partial: anything.describe('What was reached before a failure or halt.'),
  error: problem,
  receipt: anything.describe(
    'How old the context was: watermarks, staleness, and per chunk version and age.',
  ),
  cost: z.object({ usd: z.string(), calls: z.number() }),
  deadlineAt: time.describe('Past it, the task is halted.'),
  createdAt: time,
  updatedAt: time,
});

export const executionSchema = z.object({
  executionId: z.string(),
  taskId: z.string(),
  agent: z.string(),
  behaviour: z.string().nullable(),
  worker: z.string().nullable(),
  tenant: z.string().nullable(),
  sessionId: z.string().nullable(),
  feature: z.string().nullable(),
  input: z.string(),
  state,
  outcome: z.enum(['completed', 'failed', 'halted']).nullable(),
  error: problem,
  steps: z.number(),
  claims: z.number().describe('How many workers took it on, one after the other.'),
  costUsd: z.string(),
  createdAt: time,
  startedAt: time,
  completedAt: time,
  queuedMs: z.number().nullable(),
  durationMs: z.number().nullable(),
  position: z
    .string()
    .nullable()
    .describe('topic:partition:offset of its first event: where a replay begins.'),
});

export const taskViewOf = (entry: ExecutionEntry): z.infer<typeof taskSchema> => ({
  taskId: entry.taskId,
  executionId: entry.executionId,
  agent: entry.agent,
  tenant: entry.tenant,
  sessionId: entry.sessionId,
  feature: entry.countedUnder ?? entry.feature,
  input: entry.input,
  state: entry.state,
  outcome: entry.result?.outcome ?? null,
  result: entry.result?.output ?? null,
  partial: entry.result?.partial ?? null,
  error: entry.result?.error ?? null,
  receipt: entry.result?.receipt ?? null,
  cost: { usd: entry.costUsd, calls: entry.costs.size },
  deadlineAt: entry.deadlineAt === null ? null : isoTime(entry.deadlineAt),
  createdAt: isoTime(entry.createdAt),
  updatedAt: isoTime(entry.updatedAt),
});

const MAX_LISTED_INPUT = 300;

export const executionSummaryOf = (entry: ExecutionEntry): z.infer<typeof executionSchema> => ({
  executionId: entry.executionId,
  taskId: entry.taskId,
  agent: entry.agent,
  behaviour: entry.behaviour,
  worker: entry.worker,
  tenant: entry.tenant,
  sessionId: entry.sessionId,
  feature: entry.countedUnder ?? entry.feature,
  input: entry.input.slice(0, MAX_LISTED_INPUT),
  state: entry.state,
  outcome: entry.result?.outcome ?? null,
  error: entry.result?.error ?? null,
  steps: entry.steps,
  claims: entry.order.epoch,
  costUsd: entry.costUsd,
  createdAt: isoTime(entry.createdAt),
  startedAt: isoTime(entry.startedAt),
  completedAt: isoTime(entry.completedAt),
  queuedMs: msBetween(entry.createdAt, entry.startedAt),
  durationMs: msBetween(entry.startedAt, entry.completedAt),
  position: entry.first && positionOf(entry.first.partition, entry.first.offset),
});

const event = z.object({
  type: z.string(),
  position: z.string(),
  at: time,
  epoch: z.number(),
  worker: z.string(),
  counts: z.boolean(),
});

export const payloadSchema = z
  .object({ hash: z.string(), bytes: z.number() })
  .nullable()
  .describe(
    'Not null: what is shown is a glance of the same shape, cut short; the whole is at …/payloads/{hash}.',
  );

export const executionDetailSchema = executionSchema.extend({
  output: anything,
  partial: anything,
  receipt: anything,
  opening: z.array(event),
  timeline: z.array(
    z.object({
      step: z.number(),
      kind: z.enum(STEP_KINDS),
      name: z.string().nullable(),
      state: z.enum(['running', 'done', 'failed']),
      input: anything,
      output: anything,
      inputPayload: payloadSchema,
      outputPayload: payloadSchema,
      error: z.object({ code: z.string(), message: z.string(), retryable: z.boolean() }).nullable(),
      retries: z.number(),
      cited: z.array(
        z.object({
          documentId: z.string(),
          chunk: z.number(),
          version: z.string(),
          title: z.string().nullable(),
          text: z.string().nullable(),
          score: z.number().nullable(),
          ageMs: z.number().nullable(),
          stale: z.string().nullable().describe('Why what its row became since was refused.'),
          flags: z.array(z.string()),
        }),
      ),
      usage: z.object({ inputTokens: z.number(), outputTokens: z.number() }).nullable(),
      reservedUsd: z.string().nullable(),
      costUsd: z.string().nullable(),
      startedAt: time,
      durationMs: z.number(),
      idempotencyKey: z.string().nullable(),
      events: z.array(event),
    }),
  ),
  feedback: z
    .array(z.object({ by: z.string(), score: z.number(), comment: z.string().nullable(), at: time }))
    .describe('What people thought of its answer, the newest first.'),
  stale: z.array(event).describe('Events of workers that were believed dead: only their costs count.'),
});

export const executionDetailOf = (
  entry: ExecutionEntry,
  events: readonly JournaledEvent[],
  feedback: readonly Feedback[],
): z.infer<typeof executionDetailSchema> => {
  const { opening, steps, stale } = timelineOf(events);
  return {
    ...executionSummaryOf(entry),
    input: entry.input,
    output: entry.result?.output ?? null,
    partial: entry.result?.partial ?? null,
    receipt: entry.result?.receipt ?? null,
    opening: [...opening],
    timeline: steps.map((step) => ({
      ...step,
      cited: step.cited.map((chunk) => ({ ...chunk, flags: [...chunk.flags] })),
      events: [...step.events],
    })),
    feedback: feedback.map(({ by, score, comment, at }) => ({ by, score, comment, at: isoTime(at) })),
    stale: [...stale],
  };
};
