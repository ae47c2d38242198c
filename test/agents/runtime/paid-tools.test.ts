/** What calls of tools cost: reserved in the journal before them, each at its own tool's price, never above the cap (I3). */

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { compensationsOf } from '../../../agents/replay/compensations.ts';
import { forkedEvents } from '../../../agents/replay/fork-events.ts';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { type CallGuards, UNGUARDED } from '../../../agents/runtime/call-guards.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import { checkToolPolicies } from '../../../agents/tools/tool-policy.ts';
import { type AgentDefinition, defineTool, type ToolDefinition } from '../../../schemas/agent-definition.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { totalUsd } from '../../../schemas/execution-costs.ts';
import { parseTerminalOutput } from '../../../schemas/execution-payloads.ts';
import { parseUsd } from '../../../schemas/money.ts';
import { ledgerOf } from './money-asked.ts';
import { randomAgent, scriptedModel } from './random-model.ts';
import { simulate } from './simulated-journal.ts';

/** Counts what it charges, whatever it answers. `not-found` is an answer that no further try would change. */
const shop = (failing: Readonly<Record<string, number>> = {}) => {
  const calls: string[] = [];
  const tool = (name: string, terms: Partial<ToolDefinition>): ToolDefinition =>
    defineTool({
      name,
      description: name,
      effect: 'read',
      ...terms,
      arguments: z.object({ at: z.number() }),
      compensate: async () => undefined,
      execute: async () => {
        calls.push(name);
        if (calls.filter((each) => each === name).length <= (failing[name] ?? 0))
          throw new FreshetError('not-found', `${name} has nothing`);
        return { from: name };
      },
    });
  return { calls, tool };
};

const asking = (name: string, times = 1) => [
  scriptedModel('first', [
    ...Array.from({ length: times }, () => ({ kind: 'tools' as const, names: [name] })),
    { kind: 'text', text: 'Done.' },
  ]),
];
const agentOf = (tools: readonly ToolDefinition[], maxUsd: string): AgentDefinition => ({
  ...randomAgent({ maxUsd, maxSteps: 100, maxMs: 3_600_000 }),
  tools,
});
const toolCosts = (log: Parameters<typeof foldEvents>[0]) =>
  [...foldEvents(log).costs.values()].filter(({ tool }) => tool !== null);

test('retries that could pass the cap count before the first try', async () => {
  const { calls, tool } = shop();
  const agent = agentOf([tool('paid', { costUsd: '0.4', retries: 2 })], '1');
  const simulation = simulate({ agent, models: asking('paid') });
  await simulation.run('worker-a');
  expect(simulation.log.at(-1)?.error).toMatchObject({ code: 'money-cap' });
  expect(simulation.log.at(-1)?.error?.message).toContain('1.2 USD');
  expect(calls).toEqual([]);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('what stands in is paid at its own price, be the tool itself for nothing', async () => {
  const { calls, tool } = shop({ free: 9 });
  const free = tool('free', { fallback: { tools: ['paid'] } });
  const agent = agentOf([free, tool('paid', { costUsd: '0.05' })], '1');
  const simulation = simulate({ agent, models: asking('free') });
  await simulation.run('worker-a');
  expect(calls).toEqual(['free', 'paid']);
  expect(toolCosts(simulation.log)).toMatchObject([{ tool: 'free', usd: '0.05', state: 'settled' }]);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('a call that a breaker holds back costs nothing', async () => {
  const { calls, tool } = shop();
  const agent = agentOf([tool('paid', { costUsd: '0.05', retries: 1 })], '1');
  const guards = {
    ...UNGUARDED,
    mayCall: async (name: string) =>
      name.startsWith('tool:') ? { message: 'open', retryAfterMs: 60_000 } : null,
  };
  const simulation = simulate({ agent, models: asking('paid'), guards });
  await simulation.run('worker-a');
  expect(calls).toEqual([]);
  expect(toolCosts(simulation.log)).toMatchObject([{ usd: '0', state: 'settled' }]);
});

test('tools of two agents have breakers of their own, whatever they are called', async () => {
  const { calls, tool } = shop();
  const agent = agentOf([tool('paid', {})], '1');
  const guards: CallGuards = {
    ...UNGUARDED,
    mayCall: async (name) => (name === 'tool:other/paid' ? { message: 'open', retryAfterMs: 60_000 } : null),
  };
  for (const name of ['other', 'random'])
    await simulate({ agent: { ...agent, name }, models: asking('paid'), guards }).run('worker-a');
  expect(calls).toEqual(['paid']);
});

test('a call that the money of the day does not allow is not made, and its execution halts there', async () => {
  const denied = { code: 'agent-budget' as const, message: 'the day is spent' };
  for (const effect of ['read', 'write'] as const) {
    const { calls, tool } = shop();
    const agent = agentOf([tool('paid', { costUsd: '0.05', effect })], '1');
    const models = asking('paid', 3);
    const guards: CallGuards = {
      ...UNGUARDED,
      reserve: async ({ usd }) => (usd === '0.05' ? denied : null),
    };
    const simulation = simulate({ agent, models, guards });
    await simulation.run('worker-a');
    expect(calls).toEqual([]);
    // Nobody is asked what to do about it.
    expect(models[0]?.calls()).toBe(1);
    const end = simulation.log.at(-1);
    expect(end?.error).toMatchObject(denied);
    expect(parseTerminalOutput(end?.output ?? null)?.outcome).toBe('halted');
    expect(toolCosts(simulation.log)).toMatchObject([{ usd: '0', state: 'settled' }]);
    expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
  }
});

test('money that cannot be counted before its time is over ends an execution as that, model or tool, and replays', async () => {
  const begins = 1_700_000_000_000_000;
  for (const { asked, deadlineAt } of [
    { asked: 'model', deadlineAt: undefined },
    { asked: 'read', deadlineAt: begins + 60_000_000 },
    { asked: 'write', deadlineAt: undefined },
  ] as const) {
    const { calls, tool } = shop();
    const agent = agentOf(
      [tool('paid', { costUsd: '0.05', effect: asked === 'write' ? 'write' : 'read' })],
      '1',
    );
    const guards: CallGuards = {
      ...UNGUARDED,
      reserve: async ({ usd, time }) => {
        if (!time || (asked === 'model') === (usd === '0.05')) return null;
        expect(time.leftMs).toBeLessThan(deadlineAt === undefined ? 3_600_000 : 60_000);
        return { code: time.code, message: 'nobody knows what was spent' };
      },
    };
    const models = asking('paid');
    const simulation = simulate({
      agent,
      models,
      guards,
      ...(deadlineAt === undefined ? {} : { deadlineAt }),
    });
    await simulation.run('worker-a');
    expect(calls).toEqual([]);
    expect(models[0]?.calls()).toBe(asked === 'model' ? 0 : 1);
    expect(simulation.log.at(-1)?.error?.code).toBe(deadlineAt === undefined ? 'wall-time' : 'deadline');
    expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
  }
});

test('an effect that was lost with its worker, and that the money of the day does not let be made again, is left to a person', async () => {
  const { calls, tool } = shop();
  const agent = agentOf([tool('paid', { costUsd: '0.05', effect: 'write', takesIdempotencyKey: true })], '1');
  let spent = false;
  const denied = { code: 'tenant-budget' as const, message: 'the day is spent' };
  const guards: CallGuards = { ...UNGUARDED, reserve: async () => (spent ? denied : null) };
  const simulation = simulate({ agent, models: asking('paid'), guards });
  // Claim, retrieval with intent, reply with the intent of the tool: its outcome is lost.
  await simulation.run('worker-a', 3).catch(() => undefined);
  expect(calls).toEqual(['paid']);
  spent = true;
  await simulation.run('worker-b');
  expect(calls).toEqual(['paid']);
  const end = simulation.log.at(-1);
  expect(end?.error?.code).toBe('effect-unknown');
  expect(end?.error?.message).toContain('the day is spent, while paid ran in step 3');
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('a paid call that was lost with its worker counts at its reservation, a read is made again, an effect without the key is not', async () => {
  for (const effect of ['read', 'write'] as const) {
    const { calls, tool } = shop();
    const agent = agentOf([tool('paid', { costUsd: '0.05', effect })], '1');
    const simulation = simulate({ agent, models: asking('paid') });
    // Claim, retrieval with intent, reply with the intent of the tool: its outcome is lost.
    await simulation.run('worker-a', 3).catch(() => undefined);
    expect(calls).toEqual(['paid']);
    await simulation.run('worker-b');
    const again = effect === 'read';
    expect(calls).toHaveLength(again ? 2 : 1);
    expect(simulation.log.at(-1)?.error?.code ?? null).toBe(again ? null : 'effect-unknown');
    expect(toolCosts(simulation.log).map(({ state, usd }) => `${state} ${usd}`)).toEqual(
      again ? ['lost 0.05', 'settled 0.05'] : ['lost 0.05'],
    );
    expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
  }
});

test('a call whose worker was told to let go before it is not begun, costs nothing, and is made by the next (I3)', async () => {
  for (const effect of ['read', 'write'] as const) {
    const stopping = new AbortController();
    const { calls, tool } = shop();
    const agent = agentOf([tool('paid', { costUsd: '0.05', effect })], '1');
    const { guards, settled } = ledgerOf(({ usd }) => {
      if (usd === '0.05') stopping.abort();
      return null;
    });
    const simulation = simulate({ agent, models: asking('paid'), guards });
    const run = simulation.run('worker-a', undefined, stopping.signal);
    await expect(run).rejects.toMatchObject({ code: 'unavailable' });
    expect(calls).toEqual([]);
    expect(compensationsOf(simulation.log, 0, agent)).toEqual([]);
    await simulation.run('worker-b');
    expect(calls).toEqual(['paid']);
    expect(simulation.log.at(-1)?.error ?? null).toBeNull();
    expect(toolCosts(simulation.log).map(({ state, usd }) => `${state} ${usd}`)).toEqual([
      'settled 0',
      'settled 0.05',
    ]);
    const spent = [...foldEvents(simulation.log).costs.values()].map(({ costId, usd }) => [costId, usd]);
    expect([...settled]).toEqual(spent);
    // Question, call, answer: what was not begun is no step.
    expect(foldEvents(simulation.log).countedSteps).toBe(3);
    expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
  }
});

test('so is a model that was not asked: nothing is lost, and the ledger knows it as the journal does (I3)', async () => {
  const stopping = new AbortController();
  const agent = agentOf([shop().tool('free', {})], '1');
  const { guards, settled } = ledgerOf(() => {
    stopping.abort();
    return null;
  });
  const simulation = simulate({ agent, models: asking('free'), guards });
  const run = simulation.run('worker-a', undefined, stopping.signal);
  await expect(run).rejects.toMatchObject({ code: 'unavailable' });
  const left = foldEvents(simulation.log);
  expect([left.lostCalls, left.countedSteps, left.phase.kind]).toEqual([0, 0, 'ready']);
  await simulation.run('worker-b');
  const costs = [...foldEvents(simulation.log).costs.values()];
  expect(costs[0]).toMatchObject({ usd: '0', state: 'settled', model: costs[1]?.model });
  expect([...settled]).toEqual(costs.map(({ costId, usd }) => [costId, usd]));
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('one that was not begun and of which the journal is not told stays reserved (I3)', async () => {
  const stopping = new AbortController();
  const { tool } = shop();
  const agent = agentOf([tool('paid', { costUsd: '0.05', effect: 'write' })], '1');
  const { guards, settled } = ledgerOf(({ usd }) => {
    if (usd === '0.05') stopping.abort();
    return null;
  });
  const simulation = simulate({ agent, models: asking('paid'), guards });
  await expect(simulation.run('worker-a', 3, stopping.signal)).rejects.toThrow('the worker stopped');
  expect([...settled.values()]).not.toContain('0');
  await simulation.run('worker-b');
  expect(simulation.log.at(-1)?.error?.code).toBe('effect-unknown');
  expect(toolCosts(simulation.log)).toMatchObject([{ usd: '0.05', state: 'lost' }]);
});

test('a fork at a call that was not begun makes it again, and asks again whoever has to approve it', async () => {
  const stopping = new AbortController();
  const { calls, tool } = shop();
  const agent = agentOf([tool('free', { effect: 'write' })], '1');
  const origin = simulate({ agent, models: asking('free') });
  origin.onAppend((event) => event.type === 'intent' && event.name === 'free' && stopping.abort());
  await origin.run('worker-a', undefined, stopping.signal).catch(() => undefined);
  const notBegun = origin.log.find(({ name }) => name === 'not-made')?.step ?? 0;
  origin.onAppend(() => undefined);
  await origin.run('worker-b');
  expect(calls).toEqual(['free']);
  for (const step of [notBegun, notBegun + 1]) {
    const { drafts } = forkedEvents(origin.log, step, 'execution-fork');
    expect(
      drafts.filter(({ name, step: at }) => name === 'released' || (at === notBegun && name === 'free')),
    ).toEqual([]);
  }
});

test('of a call made again nobody knows, though the second try was not begun', async () => {
  const stopping = new AbortController();
  const { calls, tool } = shop();
  const agent = agentOf([tool('free', { effect: 'write', takesIdempotencyKey: true })], '1');
  const simulation = simulate({ agent, models: asking('free') });
  await simulation.run('worker-a', 3).catch(() => undefined);
  expect(calls).toEqual(['free']);
  simulation.onAppend((event) => event.type === 'intent' && stopping.abort());
  await simulation.run('worker-b', undefined, stopping.signal).catch(() => undefined);
  expect(calls).toEqual(['free']);
  expect(simulation.log.some(({ name }) => name === 'not-made')).toBe(true);
  expect(compensationsOf(simulation.log, 0, agent)).toMatchObject([{ kind: 'unknown' }]);
  simulation.onAppend(() => undefined);
  await simulation.run('worker-c');
  // Under the same key: it is the same effect.
  const keys = simulation.log.flatMap(({ type, idempotencyKey }) =>
    type === 'intent' && idempotencyKey ? idempotencyKey : [],
  );
  expect([keys.length, new Set(keys).size]).toEqual([3, 1]);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('a call that was lost with its worker is made again only where the cap allows it a second time (I3)', async () => {
  for (const [effect, code] of [
    ['read', 'money-cap'],
    ['write', 'effect-unknown'],
  ] as const) {
    const { calls, tool } = shop();
    const agent = agentOf([tool('paid', { costUsd: '0.5', effect, takesIdempotencyKey: true })], '0.9');
    const simulation = simulate({ agent, models: asking('paid') });
    await simulation.run('worker-a', 3).catch(() => undefined);
    await simulation.run('worker-b');
    expect(calls).toEqual(['paid']);
    const { error } = simulation.log.at(-1) ?? {};
    expect(error).toMatchObject({ code, message: expect.stringContaining('0.5 USD: over 0.9') });
    expect(totalUsd(foldEvents(simulation.log).costs)).toBeLessThanOrEqual(parseUsd('0.9'));
    expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
  }
});

test('the ledger is what the tools charged, and never above the cap', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        prices: fc.tuple(
          fc.constantFrom(undefined, '0.01', '0.3'),
          fc.constantFrom(undefined, '0.02', '0.4'),
        ),
        failing: fc.nat(3),
        standIn: fc.boolean(),
        maxUsd: fc.constantFrom('0.2', '0.5', '2'),
        times: fc.integer({ min: 1, max: 4 }),
      }),
      async ({ prices: [own, other], failing, standIn, maxUsd, times }) => {
        const { calls, tool } = shop({ first: failing });
        const priced = (price: string | undefined) => (price === undefined ? {} : { costUsd: price });
        const first = tool('first', {
          ...priced(own),
          ...(standIn ? { fallback: { tools: ['second'] } } : {}),
        });
        const agent = agentOf([first, tool('second', priced(other))], maxUsd);
        const simulation = simulate({ agent, models: asking('first', times) });
        await simulation.run('worker-a');
        const charged = calls.reduce(
          (sum, name) => sum + parseUsd((name === 'first' ? own : other) ?? '0'),
          0n,
        );
        const costs = toolCosts(simulation.log);
        expect(costs.reduce((sum, { usd }) => sum + parseUsd(usd), 0n)).toBe(charged);
        expect(costs.every(({ state }) => state === 'settled')).toBe(true);
        expect(totalUsd(foldEvents(simulation.log).costs)).toBeLessThanOrEqual(parseUsd(maxUsd));
        expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test('a tool that needs a capability stands in for none that does not', () => {
  const { tool } = shop();
  const secret = tool('secret', { capability: 'see-salaries' });
  const open = tool('open', { fallback: { tools: ['secret'] } });
  expect(() => checkToolPolicies('random', [open, secret])).toThrow('see-salaries');
  expect(() => checkToolPolicies('random', [{ ...open, capability: 'see-salaries' }, secret])).not.toThrow();
});
