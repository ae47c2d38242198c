/** A sub-task's end, as its parent is told it, is its end: whoever takes it over comes to no other, whatever happened meanwhile. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forkedEvents } from '../../../agents/replay/fork-events.ts';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { type ExecutionControls, SILENT } from '../../../agents/runtime/execution-controls.ts';
import type { SubtaskEnded, Subtasks } from '../../../agents/runtime/subtasks.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { isEnding, parseTerminalOutput } from '../../../schemas/execution-payloads.ts';
import type { AgentEvent, TaskParent } from '../../../schemas/records.ts';
import { randomAgent, scriptedModel, TURNS, type Turn } from './random-model.ts';
import { simulate } from './simulated-journal.ts';

const PARENT: TaskParent = {
  ...{ taskId: 'task-of-parent', executionId: 'execution-of-parent', agent: 'asking' },
  ...{ partition: 0, step: 2, depth: 1 },
};
const ANSWER: Turn = { kind: 'text', text: 'Thirty days [1].' };

const childOf = (turns: readonly Turn[], limits: Parameters<typeof randomAgent>[0] = {}) => {
  const agent = randomAgent({ maxSteps: 12, maxUsd: '5', maxMs: 3_600_000, ...limits });
  const told: SubtaskEnded[] = [];
  let dies = false;
  let cancelled = false;
  const subtasks: Subtasks = {
    submit: () => Promise.reject(new Error('it hands over nothing')),
    tellParent: async (_, __, ended) => {
      told.push(ended);
      if (dies) throw new FreshetError('unavailable', 'killed');
    },
    cancel: async () => undefined,
  };
  const control: ExecutionControls = {
    ...SILENT,
    open: () => ({
      stop: () => (cancelled ? { code: 'cancelled', message: 'ada: no longer needed' } : null),
      approval: () => null,
      stopped: new AbortController().signal,
      changed: async () => undefined,
      close: () => undefined,
    }),
  };
  const simulation = simulate({
    ...{ agent, models: [scriptedModel('first', turns)] },
    ...{ subtasks, control, parent: PARENT },
  });
  return {
    ...{ agent, simulation, told },
    dying: (after: boolean) => {
      dies = after;
    },
    cancel: () => {
      cancelled = true;
    },
  };
};

/** What a parent was told, as its child's own result says it. */
const resultOf = (log: readonly AgentEvent[]) => {
  const end = log.at(-1);
  const terminal = parseTerminalOutput(end?.output ?? null);
  return { output: terminal?.output ?? terminal?.partial, error: end?.error ?? null };
};
const withoutCost = ({ output, error }: SubtaskEnded) => ({ output, error });

test('one that is cancelled after its parent was told ends as its parent was told', async () => {
  const child = childOf([ANSWER]);
  child.dying(true);
  await expect(child.simulation.run('worker-a')).rejects.toThrow('killed');
  child.dying(false);
  child.cancel();
  await child.simulation.run('worker-b');
  const { log } = child.simulation;
  expect(log.at(-1)).toMatchObject({ type: 'response', name: 'completed', error: null });
  expect(child.told.map(withoutCost)).toEqual([resultOf(log), resultOf(log)]);
  expect(log.filter(isEnding)).toHaveLength(1);
  // What was bound is what is journaled, to the letter.
  expect(log.at(-1)?.output).toBe(log.find(isEnding)?.output);
  expect(replayRecorded(log, [child.agent]).identical).toBe(true);
});

test('one that was cancelled before anybody was told is cancelled, and its parent is told so', async () => {
  const child = childOf([ANSWER]);
  // Claim, retrieval with intent, reply with the end: the third append is lost with its worker.
  await child.simulation.run('worker-a', 2).catch(() => undefined);
  expect(child.told).toEqual([]);
  child.cancel();
  await child.simulation.run('worker-b');
  expect(child.told.map(({ error }) => error?.code)).toEqual(['cancelled']);
  expect(child.simulation.log.at(-1)?.error?.code).toBe('cancelled');
  expect(replayRecorded(child.simulation.log, [child.agent]).identical).toBe(true);
});

test('a task that nobody waits for is bound by nothing, and a fork of one that was bound ends anew', async () => {
  const agent = randomAgent({ maxSteps: 12, maxUsd: '5' });
  const alone = simulate({ agent, models: [scriptedModel('first', [ANSWER])] });
  await alone.run('worker-a');
  expect(alone.log.some(isEnding)).toBe(false);
  const child = childOf([ANSWER]);
  await child.simulation.run('worker-a');
  const last = Math.max(...child.simulation.log.filter(({ type }) => type !== 'response').map((e) => e.step));
  expect(last).toBe(2);
  const { drafts } = forkedEvents(child.simulation.log, last, 'execution-2');
  expect(drafts.map(({ type, name }) => `${type} ${name}`)).toEqual([
    'tool-call retrieve',
    'intent first',
    'llm-response first',
  ]);
});

test('of any sub-task, killed at any append or while it tells, every word to its parent is its end, and it replays identically (I2, I10)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        turns: fc.array(TURNS, { minLength: 1, maxLength: 5 }),
        limits: fc.record({
          maxUsd: fc.constantFrom('0', '0.01', '5'),
          maxSteps: fc.integer({ min: 1, max: 8 }),
          maxMs: fc.constantFrom(8_000, 3_600_000),
        }),
        lives: fc.array(
          fc.record({
            appends: fc.integer({ min: 1, max: 8 }),
            diesTelling: fc.boolean(),
            cancelled: fc.boolean(),
          }),
          { maxLength: 5 },
        ),
      }),
      async ({ turns, limits, lives }) => {
        const { agent, simulation, told, dying, cancel } = childOf(turns, limits);
        for (const [at, { appends, diesTelling, cancelled }] of lives.entries()) {
          if (cancelled) cancel();
          dying(diesTelling);
          await simulation.run(`worker-${at}`, appends).catch(() => undefined);
          if (simulation.log.at(-1)?.type === 'response') break;
        }
        dying(false);
        if (simulation.log.at(-1)?.type !== 'response') await simulation.run('worker-last');
        const { log } = simulation;
        expect(told.length).toBeGreaterThan(0);
        for (const ended of told) expect(withoutCost(ended)).toEqual(resultOf(log));
        const replay = replayRecorded(log, [agent]);
        expect(replay.decisions.filter(({ same }) => !same)).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});
