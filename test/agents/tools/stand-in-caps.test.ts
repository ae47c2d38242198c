/** What stands in for another tool is called too: it counts towards its own cap, and is held to it. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import { afterStep, callsOf, EMPTY_LOOP, loopVerdict } from '../../../agents/safety/loop-state.ts';
import { type AgentDefinition, defineTool, type ToolDefinition } from '../../../schemas/agent-definition.ts';
import { DEFAULT_SAFETY } from '../../../schemas/safety-policy.ts';
import { randomAgent, scriptedModel, type Turn } from '../runtime/random-model.ts';
import { simulate } from '../runtime/simulated-journal.ts';

test('a step counts for its tool and for each that was called in its place', () => {
  const step = { kind: 'tool', name: 'look', inputHash: 'a', outcomeHash: '1', effect: 'read' } as const;
  const loop = [
    { ...step, standIns: ['archive', 'notes'] },
    { ...step, inputHash: 'b', outcomeHash: '2', standIns: ['archive'] },
    { ...step, inputHash: 'c', outcomeHash: '3' },
  ].reduce(afterStep, EMPTY_LOOP);
  expect(['look', 'archive', 'notes', 'other'].map((name) => callsOf(loop, name))).toEqual([3, 2, 1, 0]);
  const archive = { ...step, name: 'archive', maxCalls: 2 };
  expect(loopVerdict(loop, archive, DEFAULT_SAFETY)).toMatchObject({ allowed: false, code: 'tool-cap' });
  expect(loopVerdict(loop, { ...archive, maxCalls: 3 }, DEFAULT_SAFETY)).toEqual({ allowed: true });
});

describe('in an execution', () => {
  const underTest = (terms: Partial<ToolDefinition>, fallback: ToolDefinition['fallback']) => {
    const calls: string[] = [];
    let atOnce = 0;
    let most = 0;
    const tool = (name: string, fails: boolean, more: Partial<ToolDefinition>): ToolDefinition =>
      defineTool({
        name,
        description: name,
        effect: 'read',
        ...more,
        arguments: z.object({ at: z.number() }),
        compensate: async () => undefined,
        execute: async ({ at }) => {
          calls.push(name);
          atOnce += 1;
          most = Math.max(most, atOnce);
          await new Promise((resolve) => setTimeout(resolve, 5));
          atOnce -= 1;
          if (fails) throw new Error(`${name} is broken`);
          return { from: name, at };
        },
      });
    const agent: AgentDefinition = {
      ...randomAgent({ maxSteps: 40, maxUsd: '5', maxMs: 3_600_000 }),
      tools: [tool('look', true, fallback ? { fallback } : {}), tool('archive', false, terms)],
    };
    return { agent, calls, most: () => most };
  };
  const asks = (...names: readonly string[]): Turn => ({ kind: 'tools', names });
  const DONE: Turn = { kind: 'text', text: 'Done.' };
  const run = async (agent: AgentDefinition, turns: readonly Turn[]) => {
    const simulation = simulate({ agent, models: [scriptedModel('first', turns)] });
    await simulation.run('worker-a');
    return simulation.log;
  };
  const standingIn = (log: readonly { readonly standIns: readonly string[] | null }[]) =>
    log.flatMap(({ standIns }) => (standIns ? [standIns] : []));

  test('a stand-in that was called as often as it may be is not asked for again', async () => {
    const { agent, calls } = underTest({ maxCalls: 1 }, { tools: ['archive'] });
    const log = await run(agent, [asks('look'), asks('archive'), DONE]);
    expect(calls).toEqual(['look', 'archive']);
    expect(standingIn(log)).toEqual([['archive']]);
    expect(log.at(-1)?.error).toMatchObject({
      code: 'tool-cap',
      message: 'archive was called 1 times, of 1 that it may be',
    });
    expect(replayRecorded(log, [agent]).identical).toBe(true);
  });

  test('nor does it stand in any more: the tool has failed, or its stated answer is given', async () => {
    for (const answer of [undefined, { known: false }]) {
      const { agent, calls } = underTest(
        { maxCalls: 2, retries: 3 },
        { tools: ['archive'], ...(answer ? { answer } : {}) },
      );
      // Of one reply, so that they would be begun together.
      const log = await run(agent, [asks('look', 'look', 'look'), DONE]);
      expect(calls.filter((name) => name === 'archive')).toHaveLength(2);
      const outcomes = log.filter(({ type, name }) => type === 'tool-call' && name === 'look');
      expect(outcomes.map(({ via }) => via)).toEqual([
        'fallback:archive',
        'fallback:archive',
        answer ? 'stated' : null,
      ]);
      expect(outcomes.at(-1)?.error?.message ?? null).toBe(answer ? null : 'look is broken');
      expect(standingIn(log)).toEqual([['archive'], ['archive']]);
      expect(callsOf(foldEvents(log).loop, 'archive')).toBe(2);
      expect(replayRecorded(log, [agent]).identical).toBe(true);
    }
  });

  test('reads of one reply run beside each other where no cap is near', async () => {
    const { agent, most } = underTest({ maxCalls: 3 }, { tools: ['archive'] });
    await run(agent, [asks('look', 'look', 'look'), DONE]);
    expect(most()).toBe(3);
    const near = underTest({ maxCalls: 2 }, { tools: ['archive'] });
    await run(near.agent, [asks('look', 'look', 'look'), DONE]);
    expect(near.most()).toBe(1);
  });

  test('a journal of before, which names no stand-ins, replays as it was recorded', async () => {
    const turns = [asks('look'), asks('archive'), DONE];
    const { agent } = underTest({ maxCalls: 2 }, { tools: ['archive'] });
    const log = await run(agent, turns);
    expect(log.at(-1)?.error).toBeNull();
    const before = log.map((event) => ({ ...event, standIns: null }));
    const { agent: strict } = underTest({ maxCalls: 1 }, { tools: ['archive'] });
    expect(replayRecorded(before, [strict]).identical).toBe(true);
    expect(replayRecorded(log, [strict]).identical).toBe(false);
  });
});
