/** What tools and whoever writes them can throw, return and ask for that nobody thinks of. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { end } from '../../../agents/runtime/decision-facts.ts';
import { INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import {
  type AgentDefinition,
  DEFAULT_LIMITS,
  defineTool,
  type ToolDefinition,
} from '../../../schemas/agent-definition.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { safetyPolicyOf } from '../../../schemas/safety-policy.ts';
import { randomAgent, scriptedModel } from './random-model.ts';
import { simulate } from './simulated-journal.ts';

const LIMITS = { maxSteps: 20, maxMs: 3_600_000 };

const reads = (name: string, execute: () => Promise<unknown>): ToolDefinition =>
  defineTool({ name, description: name, effect: 'read', arguments: z.object({ at: z.number() }), execute });

const agentWith = (...tools: readonly ToolDefinition[]): AgentDefinition => ({
  ...randomAgent(LIMITS),
  tools,
});

const simulated = (agent: AgentDefinition, refusal?: string) =>
  simulate({
    agent,
    models: [
      scriptedModel('first', [
        { kind: 'tools', names: (agent.tools ?? []).map(({ name }) => name) },
        { kind: 'text', text: 'Done.' },
      ]),
    ],
    ...(refusal === undefined ? {} : { refusal: { code: 'internal' as const, message: refusal } }),
  });

const utf8 = <Text extends string | null>(text: Text): Text =>
  (text === null ? null : Buffer.from(text).toString('utf8')) as Text;

/** As Kafka gives it back. */
const stored = (event: AgentEvent): AgentEvent => ({
  ...event,
  ...{ name: utf8(event.name), note: utf8(event.note) },
  ...{ input: utf8(event.input), output: utf8(event.output) },
  error: event.error && { ...event.error, message: utf8(event.error.message) },
});

test('an error that is cut in the middle of a character replays as it ran', async () => {
  const agent = agentWith(reads('look', () => Promise.reject(new Error(`${'x'.repeat(499)}🌊`))));
  const simulation = simulated(agent);
  await simulation.run('worker-a');
  expect(simulation.log.some(({ error }) => error?.message.endsWith('\ufffd'))).toBe(true);
  expect(simulation.log.map(stored)).toEqual(simulation.log);
  expect(replayRecorded(simulation.log.map(stored), [agent]).identical).toBe(true);
});

test('a refusal that is cut in the middle of a character replays as it was decided', async () => {
  const agent = agentWith();
  const simulation = simulated(agent, `${'x'.repeat(499)}\ud83c`);
  await simulation.run('worker-a');
  expect(simulation.log.at(-1)?.error?.code).toBe('internal');
  expect(replayRecorded(simulation.log.map(stored), [agent]).identical).toBe(true);
});

test('a tool that is asked for by half a character is refused, and the refusal replays', async () => {
  const agent = agentWith(reads('look', async () => 'seen'));
  const half = scriptedModel('first', [
    { kind: 'tools', names: ['look\ud800'] },
    { kind: 'text', text: 'Done.' },
  ]);
  const simulation = simulate({ agent, models: [half] });
  await simulation.run('worker-a');
  expect(simulation.log.some(({ error }) => error?.code === 'unknown-tool')).toBe(true);
  expect(simulation.log.map(stored)).toEqual(simulation.log);
  expect(replayRecorded(simulation.log.map(stored), [agent]).identical).toBe(true);
});

test('a journal of before ends in the words that it was decided in (I10)', () => {
  const terms = { limits: DEFAULT_LIMITS, safety: safetyPolicyOf(undefined), capabilities: [], models: [] };
  const wordsUnder = (rules: number) =>
    end({ ...INITIAL_STATE, terms: { ...terms, rules } }, 'halted', 'loop', 'x\ud83c').input.error?.message;
  expect([wordsUnder(1), wordsUnder(2)]).toEqual(['x\ud83c', 'x\ufffd']);
});

test.each<readonly [string, () => unknown]>([
  ['an Error whose message is an object', () => Object.assign(new Error('x'), { message: { deep: 1 } })],
  [
    'an Error whose message cannot be read',
    () => Object.defineProperty(new Error('x'), 'message', { get: () => Object.create(null) }),
  ],
  ['a symbol', () => Symbol('x')],
  ['an object that is no text', () => Object.create(null)],
  ['nothing', () => undefined],
])('a read that throws %s while another runs beside it fails alone', async (_, thrown) => {
  const slow = reads('look', () => new Promise((resolve) => setTimeout(resolve, 10, 'seen')));
  const agent = agentWith(
    slow,
    reads('break', async () => Promise.reject(thrown())),
  );
  const simulation = simulated(agent);
  await simulation.run('worker-a');
  const outcomes = simulation.log.filter(({ type, name }) => type === 'tool-call' && name !== 'retrieve');
  expect(outcomes.map(({ name, error }) => [name, error?.code ?? null])).toEqual([
    ['look', null],
    ['break', 'tool-failed'],
  ]);
  expect(simulation.log.at(-1)).toMatchObject({ type: 'response', name: 'completed' });
});

test.each<readonly [string, () => unknown, unknown]>([
  ['nothing', () => undefined, null],
  ['a function', () => () => 1, null],
  ['bytes', () => Buffer.from('ab'), { type: 'Buffer', data: [97, 98] }],
  ['half a character', () => 'a\ud83d', 'a\ud83d'],
])('a read that returns %s is journaled as what JSON says of it, and replays', async (_, returned, kept) => {
  const agent = agentWith(reads('look', async () => returned()));
  const simulation = simulated(agent);
  await simulation.run('worker-a');
  const outcome = simulation.log.find(({ type, name }) => type === 'tool-call' && name === 'look');
  expect(JSON.parse(outcome?.output ?? '')).toEqual(kept);
  expect(replayRecorded(simulation.log.map(stored), [agent]).identical).toBe(true);
});

test.each<readonly [string, () => unknown]>([
  [
    'a cycle',
    () => {
      const cycle: unknown[] = [];
      cycle.push(cycle);
      return cycle;
    },
  ],
  ['a bigint', () => ({ id: 1n })],
  ['more than the journal takes', () => 'x'.repeat(33 * 1024 * 1024)],
])('a write that returns %s may have taken effect, and is parked', async (_, returned) => {
  let made = 0;
  const change = defineTool({
    name: 'change',
    description: 'changes',
    effect: 'write',
    arguments: z.object({ at: z.number() }),
    execute: async () => {
      made += 1;
      return returned();
    },
  });
  const simulation = simulated(agentWith(change));
  await simulation.run('worker-a');
  expect(made).toBe(1);
  expect(simulation.log.at(-1)?.error?.code).toBe('effect-unknown');
});
