/** A person who must agree to a tool is asked before it hands anything to another agent, too. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { SILENT } from '../../../agents/runtime/execution-controls.ts';
import type { AgentDefinition } from '../../../schemas/agent-definition.ts';
import { delegateTo } from '../../../schemas/agent-definition.ts';
import { APPROVAL_ASKED } from '../../../schemas/approval-request.ts';
import type { Task } from '../../../schemas/records.ts';
import { randomAgent, scriptedModel } from './random-model.ts';
import { decide, foldEvents, simulate } from './simulated-journal.ts';

const agent: AgentDefinition = {
  ...randomAgent({ maxSteps: 20, maxMs: 3_600_000 }),
  tools: [
    {
      ...delegateTo('payments', { name: 'change', description: 'pays' }),
      arguments: z.object({ at: z.number() }).transform(({ at }) => ({ input: `pay ${at}` })),
      approval: true,
    },
  ],
};

const handedOver = async (says: 'yes' | 'no') => {
  const submitted: Task[] = [];
  const asked: number[] = [];
  const simulation = simulate({
    agent,
    models: [
      scriptedModel('first', [
        { kind: 'tools', names: ['change'] },
        { kind: 'text', text: 'Done.' },
      ]),
    ],
    control: {
      ...SILENT,
      open: () => ({
        ...SILENT.open({ executionId: '', agent: '', tenant: null }),
        approval: (step) => {
          asked.push(step);
          expect(submitted).toEqual([]);
          return { approved: says === 'yes', by: 'anna', reason: null };
        },
      }),
    },
    subtasks: {
      submit: async (task, taskId) => {
        submitted.push(task);
        simulation.tell({
          ...{ type: 'checkpoint', name: 'subtask-ended', step: 0, idempotencyKey: taskId },
          ...{ output: '"paid"', costUsd: '0.01', priceTable: 'delegated' },
        });
      },
      tellParent: async () => undefined,
      cancel: async () => undefined,
    },
  });
  await simulation.run('worker-a');
  return { simulation, submitted, asked };
};

test('a sub-task whose tool needs an approval is handed over once a person has said yes, and replays so', async () => {
  const { simulation, submitted, asked } = await handedOver('yes');
  expect(asked).toHaveLength(1);
  expect(submitted.map(({ input }) => input)).toEqual(['pay 0']);
  expect(simulation.log.at(-1)).toMatchObject({ type: 'response', name: 'completed' });
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('and never where a person says no', async () => {
  const { simulation, submitted } = await handedOver('no');
  expect(submitted).toEqual([]);
  expect(simulation.log.some(({ error }) => error?.code === 'approval-denied')).toBe(true);
});

test('a journal of before, which asked nobody, replays as it was decided (I10)', async () => {
  const { simulation } = await handedOver('yes');
  const asked = simulation.log.findIndex(({ name }) => name === APPROVAL_ASKED);
  const state = foldEvents(simulation.log.slice(0, asked));
  const facts = { agent, refusal: null, sessionId: null, estimate: () => undefined };
  const under = (rules: number) => {
    if (!state.terms) throw new Error('it has no terms');
    return decide({ ...state, terms: { ...state.terms, rules } }, facts, simulation.now()).kind;
  };
  expect([under(1), under(2)]).toEqual(['delegate', 'ask-approval']);
});
