import { expect, test } from 'vitest';
import { z } from 'zod';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { type ExecutionControls, SILENT } from '../../../agents/runtime/execution-controls.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import { type AgentDefinition, defineAgent, defineTool } from '../../../schemas/agent-definition.ts';
import { hashOf } from '../../../schemas/canonical-json.ts';
import { parseTerminalOutput } from '../../../schemas/execution-payloads.ts';
import { randomAgent, scriptedModel } from './random-model.ts';
import { simulate } from './simulated-journal.ts';

const SILENT_CONTROL = {
  stop: () => null,
  approval: () => null,
  stopped: new AbortController().signal,
  changed: async () => undefined,
  close: () => undefined,
} as const;

const ends = (simulation: ReturnType<typeof simulate>) => {
  const end = simulation.log.at(-1);
  return { code: end?.error?.code ?? null, terminal: parseTerminalOutput(end?.output ?? null) };
};

test('a model that asks for the same again and again is halted as a loop, and the replay halts at the same step', async () => {
  const agent = randomAgent({ maxSteps: 100, maxUsd: '50', maxMs: 3_600_000 });
  const simulation = simulate({
    agent,
    models: [scriptedModel('first', [{ kind: 'tools', names: ['look'] }])],
  });
  await simulation.run('worker-a');
  expect(ends(simulation).code).toBe('loop');
  expect(ends(simulation).terminal?.outcome).toBe('halted');
  expect(ends(simulation).terminal?.steps).toBeLessThan(12);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('two tools in turn that teach nothing are halted as thrashing', async () => {
  const agent = randomAgent({ maxSteps: 100, maxUsd: '50', maxMs: 3_600_000 });
  const turns = Array.from({ length: 12 }, (_, at) => ({
    kind: 'tools' as const,
    names: [at % 2 === 0 ? 'look' : 'break'],
  }));
  const simulation = simulate({ agent, models: [scriptedModel('first', turns)] });
  await simulation.run('worker-a');
  expect(['thrashing', 'loop', 'no-progress']).toContain(ends(simulation).code);
  expect(ends(simulation).terminal?.steps).toBeLessThan(14);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('reads of one reply run beside each other, one that fails leaves the others standing, and they are journaled in order', async () => {
  let atOnce = 0;
  let most = 0;
  const slow = (name: string, fails: boolean) =>
    defineTool({
      name,
      description: name,
      effect: 'read',
      arguments: z.object({ at: z.number() }),
      execute: async () => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        await new Promise((resolve) => setTimeout(resolve, 20));
        atOnce -= 1;
        if (fails) throw new Error('broken');
        return name;
      },
    });
  const agent: AgentDefinition = {
    ...randomAgent({ maxSteps: 20, maxMs: 3_600_000 }),
    tools: [slow('one', false), slow('two', true), slow('three', false)],
  };
  const models = [
    scriptedModel('first', [
      { kind: 'tools', names: ['one', 'two', 'three'] },
      { kind: 'text', text: 'Done.' },
    ]),
  ];
  const simulation = simulate({ agent, models });
  await simulation.run('worker-a');
  expect(most).toBe(3);
  const calls = simulation.log.filter(({ type, name }) => type === 'tool-call' && name !== 'retrieve');
  expect(calls.map(({ name, error }) => [name, error?.message ?? null])).toEqual([
    ['one', null],
    ['two', 'broken'],
    ['three', null],
  ]);
  expect(new Set(calls.map(({ step }) => step)).size).toBe(3);
  expect(ends(simulation).terminal?.outcome).toBe('completed');
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

const approving = (decision: 'approve' | 'deny' | 'other-arguments' | 'never'): ExecutionControls => {
  let waits = 0;
  return {
    ...SILENT,
    open: () => ({
      ...SILENT_CONTROL,
      approval: (step, argumentsHash) => {
        const said = waits >= 2 && decision !== 'never';
        const asked = decision === 'other-arguments' ? hashOf({ at: 99 }) : hashOf({ at: 0 });
        return said && step > 0 && argumentsHash === asked
          ? { approved: decision !== 'deny', by: 'ada', reason: 'looked at it' }
          : null;
      },
      changed: async () => {
        waits += 1;
        if (waits > 400_000) throw new Error('it waits for ever');
      },
    }),
  };
};

const withApproval = (onEffect: (key: string) => void, maxApprovalMs = 3_600_000): AgentDefinition => {
  const plain = randomAgent({ maxSteps: 12, maxUsd: '5', maxMs: 600_000, maxApprovalMs }, onEffect);
  return {
    ...plain,
    tools: (plain.tools ?? []).map((tool) => ({ ...tool, approval: tool.name === 'change' })),
  };
};

test('a call that needs approval waits, runs once when a person says yes, and never when not (I8)', async () => {
  for (const [decision, effects, said] of [
    ['approve', 1, null],
    ['deny', 0, 'approval-denied'],
    ['other-arguments', 0, 'approval-expired'],
    ['never', 0, 'approval-expired'],
  ] as const) {
    const keys: string[] = [];
    const agent = withApproval((key) => keys.push(key), 60_000);
    const turns = [
      { kind: 'tools' as const, names: ['change'] },
      { kind: 'text' as const, text: 'Done.' },
    ];
    const simulation = simulate({
      agent,
      models: [scriptedModel('first', turns)],
      control: approving(decision),
    });
    await simulation.run('worker-a');
    expect(keys).toHaveLength(effects);
    expect(simulation.log.find(({ type, error }) => type === 'error' && error)?.error?.code ?? null).toBe(
      said,
    );
    expect(ends(simulation).terminal?.outcome).toBe('completed');
    expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
  }
});

test('workers that die while it only waits have not died of it', async () => {
  const keys: string[] = [];
  const agent = withApproval((key) => keys.push(key));
  const turns = [
    { kind: 'tools' as const, names: ['change'] },
    { kind: 'text' as const, text: 'Done.' },
  ];
  let alive = false;
  const control = approving('approve').open({} as never);
  const simulation = simulate({
    agent,
    models: [scriptedModel('first', turns)],
    control: {
      ...SILENT,
      open: () => ({
        ...control,
        changed: async (withinMs, signal) => {
          // What was written behind goes by itself after a moment; then its worker dies.
          await new Promise((resolve) => setTimeout(resolve, 50));
          if (!alive) throw new Error('killed');
          await control.changed(withinMs, signal);
        },
      }),
    },
  });
  for (const worker of ['worker-a', 'worker-b', 'worker-c', 'worker-d'])
    await expect(simulation.run(worker)).rejects.toThrow('killed');
  alive = true;
  await simulation.run('worker-e');
  expect(ends(simulation).code).toBeNull();
  expect(keys).toHaveLength(1);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('one that waits for approval goes on waiting under another worker, and asks once', async () => {
  const keys: string[] = [];
  const agent = withApproval((key) => keys.push(key));
  const turns = [
    { kind: 'tools' as const, names: ['change'] },
    { kind: 'text' as const, text: 'Done.' },
  ];
  const simulation = simulate({
    agent,
    models: [scriptedModel('first', turns)],
    control: approving('approve'),
  });
  // Claim, retrieval with intent, reply with the question to a person; then its worker dies.
  await simulation.run('worker-a', 3).catch(() => undefined);
  await simulation.run('worker-b');
  expect(keys).toHaveLength(1);
  expect(simulation.log.filter(({ name }) => name === 'approval-asked')).toHaveLength(1);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('a stop ends it between two steps, with its reason, and a replay stops at the same place', async () => {
  let looks = 0;
  const control: ExecutionControls = {
    ...SILENT,
    open: () => ({
      ...SILENT_CONTROL,
      stop: () => {
        looks += 1;
        return looks > 4 ? { code: 'cancelled', message: 'ada: no longer needed' } : null;
      },
    }),
  };
  const agent = randomAgent({ maxSteps: 12, maxUsd: '5', maxMs: 3_600_000 });
  const turns = ['look', 'break', 'look'].map((name) => ({ kind: 'tools' as const, names: [name] }));
  const simulation = simulate({ agent, models: [scriptedModel('first', turns)], control });
  await simulation.run('worker-a');
  expect(ends(simulation)).toMatchObject({ code: 'cancelled', terminal: { outcome: 'halted' } });
  expect(simulation.log.filter(({ name }) => name === 'stop')).toHaveLength(1);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('an answer that is not of the promised shape is sent back with what is wrong, twice, then it has failed', async () => {
  const agent: AgentDefinition = {
    ...randomAgent({ maxSteps: 12, maxUsd: '5', maxMs: 3_600_000 }),
    output: z.object({ severity: z.enum(['low', 'high']) }),
  };
  const right = simulate({
    agent,
    models: [
      scriptedModel('first', [
        { kind: 'text', text: 'It is bad.' },
        { kind: 'text', text: '```json\n{"severity":"high"}\n```' },
      ]),
    ],
  });
  await right.run('worker-a');
  expect(ends(right).terminal?.output).toMatchObject({ value: { severity: 'high' } });
  expect(foldEvents(right.log).messages.some(({ content }) => content.includes('it is not JSON'))).toBe(true);
  expect(replayRecorded(right.log, [agent]).identical).toBe(true);

  const wrong = simulate({
    agent,
    models: [scriptedModel('first', [{ kind: 'text', text: '{"severity":"odd"}' }])],
  });
  await wrong.run('worker-a');
  expect(ends(wrong).code).toBe('output-invalid');
  expect(wrong.log.filter(({ type }) => type === 'llm-response')).toHaveLength(3);
  expect(replayRecorded(wrong.log, [agent]).identical).toBe(true);
});

test('a planned agent runs its chain without a model, sees what came of each step, and replays identically', async () => {
  const agent = defineAgent({
    name: 'random',
    version: '1',
    instructions: 'Adds.',
    input: z.object({ from: z.number() }),
    output: z.object({ sum: z.number() }),
    tools: [
      defineTool({
        name: 'add',
        description: 'adds',
        effect: 'read',
        arguments: z.object({ a: z.number(), b: z.number() }),
        execute: async ({ a, b }) => a + b,
      }),
    ],
    plan: ({ input, results }) => {
      const last = results.at(-1);
      const sum = typeof last?.output === 'number' ? last.output : input.from;
      if (results.length < 3) return { tools: [{ name: 'add', arguments: { a: sum, b: results.length } }] };
      return { answer: { sum } };
    },
  });
  const simulation = simulate({ agent, models: [], text: '{"from": 10}' });
  await simulation.run('worker-a');
  expect(ends(simulation).terminal?.output).toMatchObject({ value: { sum: 13 } });
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);

  const wrong = simulate({ agent, models: [], text: '{"from": "ten"}' });
  await wrong.run('worker-a');
  expect(ends(wrong).code).toBe('task-invalid');
});

test('a tool that needs a capability which the principal does not hold is refused, and one who holds it may', async () => {
  for (const capabilities of [[], ['change-things']]) {
    const keys: string[] = [];
    const plain = randomAgent({ maxSteps: 12, maxUsd: '5', maxMs: 3_600_000 }, (key) => keys.push(key));
    const agent: AgentDefinition = {
      ...plain,
      tools: (plain.tools ?? []).map((tool) =>
        tool.name === 'change' ? { ...tool, capability: 'change-things' } : tool,
      ),
    };
    const turns = [
      { kind: 'tools' as const, names: ['change'] },
      { kind: 'text' as const, text: 'Done.' },
    ];
    const simulation = simulate({ agent, models: [scriptedModel('first', turns)], capabilities });
    await simulation.run('worker-a');
    expect(keys).toHaveLength(capabilities.length);
    expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
  }
});

test("an approval is not waited for past the task's deadline", async () => {
  const keys: string[] = [];
  const agent = withApproval((key) => keys.push(key), 86_400_000);
  const models = [scriptedModel('first', [{ kind: 'tools' as const, names: ['change'] }])];
  const begins = 1_700_000_000_000_000;
  const deadlineAt = begins + 60_000_000;
  const simulation = simulate({ agent, models, control: approving('never'), deadlineAt });
  await simulation.run('worker-a');
  expect(keys).toEqual([]);
  expect(ends(simulation)).toMatchObject({ code: 'deadline', terminal: { outcome: 'halted' } });
  expect(simulation.now()).toBeLessThan(deadlineAt + 30_000_000);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('a planned agent asks models one question after another, and sees every reply', async () => {
  const agent = defineAgent({
    name: 'random',
    version: '1',
    instructions: 'Asks.',
    output: z.array(z.string()),
    plan: ({ replies }) =>
      replies.length < 3 ? { ask: { content: `part ${replies.length}` } } : { answer: [...replies] },
  });
  const turns = ['one', 'two', 'three', 'four'].map((text) => ({ kind: 'text' as const, text }));
  const simulation = simulate({ agent, models: [scriptedModel('first', turns)] });
  await simulation.run('worker-a');
  expect(ends(simulation).terminal?.output).toMatchObject({ value: ['one', 'two', 'three'] });
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);

  const endless = defineAgent({
    name: 'random',
    version: '1',
    instructions: 'Asks.',
    plan: () => ({ ask: { content: 'again' } }),
  });
  const halted = simulate({ agent: endless, models: [scriptedModel('first', turns)] });
  await halted.run('worker-a');
  expect(ends(halted).code).toBe('step-cap');
});

test('a worker that lets go in order is no death, and two that die in a row before any step are a poison task', async () => {
  const agent = randomAgent({ maxSteps: 12, maxUsd: '5', maxMs: 3_600_000 });
  const turns = [{ kind: 'text' as const, text: 'Done [1].' }];
  const killed = simulate({ agent, models: [scriptedModel('first', turns)] });
  // The claim alone, and no word of its worker after it.
  for (const worker of ['worker-a', 'worker-b']) await killed.run(worker, 1).catch(() => undefined);
  await killed.run('worker-c');
  expect(ends(killed)).toMatchObject({ code: 'poison', terminal: { outcome: 'failed' } });
  expect(replayRecorded(killed.log, [agent]).identical).toBe(true);

  const released = simulate({ agent, models: [scriptedModel('first', turns)] });
  for (const worker of ['worker-a', 'worker-b']) {
    await released.run(worker, 2, AbortSignal.abort(new Error('it stops'))).catch(() => undefined);
  }
  expect(released.log.filter(({ name }) => name === 'released')).toHaveLength(2);
  await released.run('worker-c');
  expect(ends(released)).toMatchObject({ code: null, terminal: { outcome: 'completed' } });
  expect(replayRecorded(released.log, [agent]).identical).toBe(true);
});
