/** What replays answer, as the API documents it. */
import { z } from 'zod';

const digest = z.object({
  kind: z.string(),
  name: z.string().nullable(),
  inputHash: z.string().nullable(),
  input: z.string().nullable().describe('Canonical JSON, where the two differ.'),
  stateHashBefore: z.string().nullable(),
  stateHashAfter: z.string().nullable(),
});

const decision = z.object({
  step: z.number(),
  kind: z.string(),
  name: z.string().nullable(),
  recorded: digest,
  replayed: digest,
  same: z.boolean(),
});

export const replaySchema = z.object({
  executionId: z.string(),
  taskId: z.string(),
  agent: z.string(),
  tenant: z.string().nullable(),
  behaviour: z.object({
    recorded: z.array(z.string()),
    replayed: z.string().nullable(),
    same: z.boolean(),
  }),
  ended: z.boolean().describe('False while it still runs: then what there is of it was replayed.'),
  decisions: z.array(decision),
  identical: z.boolean(),
  outsideCalls: z.literal(0),
});

export const rangeExecutionSchema = z.object({
  executionId: z.string(),
  taskId: z.string(),
  agent: z.string(),
  tenant: z.string().nullable(),
  behaviour: z.string(),
  position: z.string(),
  state: z
    .enum(['identical', 'different', 'unfinished', 'cut'])
    .describe('cut: its beginning is past the retention of the journal.'),
  decisions: z.number(),
  different: z.number(),
  firstDifference: decision.nullable(),
});

const told = z.object({ kind: z.string(), name: z.string().nullable(), input: z.string().nullable() });

export const whatIfSchema = z.object({
  executionId: z.string(),
  agent: z.string(),
  recorded: z.string().describe('The version that it ran under.'),
  candidate: z.string(),
  followed: z.number().describe('Decisions that the recorded outcomes answered.'),
  leaves: z
    .object({ step: z.number(), recorded: told, candidate: told })
    .nullable()
    .describe('Where the candidate decides otherwise; nothing is known of what would have come after.'),
  calls: z.array(
    z.object({
      step: z.number(),
      model: z.string(),
      recordedInputTokens: z.number(),
      candidateInputTokens: z.number().describe('An estimate where the prompt changed.'),
      changed: z.boolean(),
    }),
  ),
  recordedUsd: z.string().describe('Of these calls.'),
  candidateUsd: z.string().describe('Of the same calls: an estimate.'),
  ended: z.boolean(),
});

export const forkedSchema = z.object({
  taskId: z.string().nullable(),
  executionId: z.string().nullable(),
  agent: z
    .object({ name: z.string(), version: z.string() })
    .describe('Who goes on: the version that runs now.'),
  origin: z.string().describe('executionId:step.'),
  takenOver: z.object({ events: z.number(), step: z.number() }),
  effects: z
    .array(
      z.object({
        step: z.number(),
        tool: z.string(),
        idempotencyKey: z.string(),
        kind: z.enum(['declared', 'undeclared', 'unknown']),
        costUsd: z.string().nullable().describe('What undoing it costs, where its tool says it.'),
      }),
    )
    .describe(
      'What the origin did outside after the step, the latest first, and whether its tool says how to undo it.',
    ),
  compensate: z.boolean(),
});
