/** How executions ended, by agent: what alerts about rates are made of. */
import { expect, test } from 'vitest';
import { createAgentOutcomes } from '../../../gateway/read-models/agent-outcomes.ts';
import type { ExecutionEntry } from '../../../gateway/read-models/execution-entry.ts';
import type { AgentEvent } from '../../../schemas/records.ts';

const outcomes = (max?: number) => {
  const held = createAgentOutcomes(max);
  const end = (agent: string, at: number, code: string | null, executionId = `${agent}-${at}`) =>
    held.event(
      { type: 'response', executionId, agent, at } as AgentEvent,
      { result: code ? { outcome: 'halted', error: { code } } : { outcome: 'completed' } } as ExecutionEntry,
    );
  return { held, end };
};

test('a busy agent leaves a quiet one what it had; of more than are held, the last count', () => {
  const { held, end } = outcomes(10);
  for (const at of [1, 2, 3]) end('quiet', at, 'model-failed');
  for (let at = 1; at <= 100; at += 1) end('busy', at, at <= 95 ? 'loop' : null);
  expect(held.since(0)).toEqual(
    new Map([
      ['quiet', { ended: 3, failed: 3, loops: 0 }],
      ['busy', { ended: 10, failed: 5, loops: 5 }],
    ]),
  );
  expect(held.since(97).get('busy')).toEqual({ ended: 4, failed: 0, loops: 0 });
});

test('an execution counts once, as it was last told', () => {
  const { held, end } = outcomes();
  for (const code of ['internal', null]) end('support', 1, code, 'one');
  expect(held.since(0).get('support')).toEqual({ ended: 1, failed: 0, loops: 0 });
});

test('ends that people, tenants, their tasks or the money of the day brought about are none of the agent', () => {
  const { held, end } = outcomes();
  const others = ['cancelled', 'killed', 'agent-budget', 'tenant-budget', 'task-invalid', 'too-large'];
  for (const [at, code] of others.entries()) end('support', at, code);
  expect(held.since(0).size).toBe(0);
  for (const [at, code] of ['money-cap', 'deadline', 'poison'].entries()) end('support', 100 + at, code);
  expect(held.since(0).get('support')).toEqual({ ended: 3, failed: 3, loops: 0 });
});

test('cleared, it has forgotten, and says that it is another', () => {
  const { held, end } = outcomes();
  end('support', 1, null);
  const before = held.generation();
  held.clear();
  expect(held.since(0).size).toBe(0);
  expect(held.generation()).not.toBe(before);
});
