/** Effects whose outcome is not known: when they are made again, and when they wait for a person (I8). */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { type ExecutionControls, SILENT } from '../../../agents/runtime/execution-controls.ts';
import { type AgentDefinition, defineTool } from '../../../schemas/agent-definition.ts';
import { OutcomeUnknown } from '../../../schemas/errors.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { randomAgent, scriptedModel } from './random-model.ts';
import { decide, foldEvents, simulate } from './simulated-journal.ts';

const changing = () => [
  scriptedModel('first', [
    { kind: 'tools', names: ['change'] },
    { kind: 'text', text: 'Changed.' },
  ]),
];

const withKey = (onEffect: (key: string) => void): AgentDefinition => {
  const plain = randomAgent({}, onEffect);
  return { ...plain, tools: plain.tools?.map((tool) => ({ ...tool, takesIdempotencyKey: true })) ?? [] };
};

/** As journals of before have their terms. */
const withoutRules = (event: AgentEvent): AgentEvent => {
  const { rules: _, ...terms } = JSON.parse(event.input ?? '{}') as { readonly rules?: number };
  return { ...event, input: JSON.stringify(terms) };
};

/** It has not ended yet when what it calls on its way has. */
const slowly = (onEffect: () => void): AgentDefinition => ({
  ...randomAgent({}),
  tools: [
    defineTool({
      name: 'change',
      description: 'changes',
      effect: 'write',
      takesIdempotencyKey: true,
      arguments: z.object({ at: z.number() }),
      execute: async () => {
        onEffect();
        await new Promise((resolve) => setTimeout(resolve, 5));
        return 'done';
      },
    }),
  ],
});

const switched = (off: () => boolean, stopped = new AbortController().signal): ExecutionControls => ({
  ...SILENT,
  open: () => ({
    stop: () => (off() ? { code: 'killed', message: 'stopped by ada' } : null),
    approval: () => null,
    stopped,
    changed: async () => undefined,
    close: () => undefined,
  }),
});

test('an effect that is under way when its execution is stopped is parked, under the key or not; one not begun is not made', async () => {
  for (const takesIdempotencyKey of [false, true])
    for (const when of ['under way', 'before'] as const) {
      const stopped = new AbortController();
      let begun = 0;
      const change = defineTool({
        name: 'change',
        description: 'changes, and does not heed that it is told to end',
        effect: 'write',
        takesIdempotencyKey,
        arguments: z.object({ at: z.number() }),
        execute: async () => {
          begun += 1;
          stopped.abort();
          await new Promise((resolve) => setTimeout(resolve, 20));
          return 'done';
        },
      });
      const agent = { ...randomAgent({}), tools: [change] };
      const control = switched(() => stopped.signal.aborted, stopped.signal);
      const simulation = simulate({ agent, models: changing(), control });
      // The switch is heard while the intent is on its way to the log, and no sooner.
      if (when === 'before') simulation.onAppend((event) => event.idempotencyKey && stopped.abort());
      await simulation.run('worker-a');
      const code = simulation.log.at(-1)?.error?.code;
      expect({ when, begun, code }).toEqual(
        when === 'before' ? { when, begun: 0, code: 'killed' } : { when, begun: 1, code: 'effect-unknown' },
      );
      expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
    }
});

test('an effect that was sent and whose answer was lost, or is of no use, is parked', async () => {
  const tools = [
    () => Promise.reject(new OutcomeUnknown('unavailable', 'the connection was cut')),
    // What it answers cannot be journaled.
    async () => 1n,
  ].map((execute) =>
    defineTool({
      name: 'change',
      description: 'changes',
      effect: 'write',
      arguments: z.object({ at: z.number() }),
      execute,
    }),
  );
  for (const change of tools) {
    const agent = { ...randomAgent({}), tools: [change] };
    const simulation = simulate({ agent, models: changing() });
    await simulation.run('worker-a');
    expect(simulation.log.some(({ error }) => error?.code === 'effect-unknown')).toBe(true);
    expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
  }
});

test('an effect whose worker died is not made again for an execution that was stopped meanwhile', async () => {
  const keys: string[] = [];
  const agent = withKey((key) => keys.push(key));
  let killed = false;
  const simulation = simulate({ agent, models: changing(), control: switched(() => killed) });
  await simulation.run('worker-a', 3).catch(() => undefined);
  expect(keys).toHaveLength(1);
  killed = true;
  await simulation.run('worker-b');
  expect(simulation.log.at(-1)?.error?.code).toBe('effect-unknown');
  expect(keys).toHaveLength(1);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('an effect that kills its workers is made twice and no more, also under the key', async () => {
  let made = 0;
  const agent = withKey(() => {
    made += 1;
  });
  const simulation = simulate({ agent, models: changing() });
  // The intent stands, and no word of its worker after it.
  await simulation.run('worker-a', 3).catch(() => undefined);
  await simulation.run('worker-b', 2).catch(() => undefined);
  expect(made).toBe(2);
  await simulation.run('worker-c');
  expect(simulation.log.at(-1)?.error?.code).toBe('poison');
  expect(made).toBe(2);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('workers that let go in order of a call under way have not died of it, however many do', async () => {
  for (const [name, agentOf] of [
    ['effect', (stop: () => void) => ({ agent: slowly(stop), models: changing() })],
    [
      'model',
      (stop: () => void) => {
        const [model] = changing();
        if (!model) throw new Error('no model');
        const generate: typeof model.generate = async (call) => {
          stop();
          if (call.signal?.aborted) await new Promise((_, reject) => setTimeout(reject, 5));
          return model.generate(call);
        };
        return { agent: withKey(() => undefined), models: [{ ...model, generate }] };
      },
    ],
  ] as const) {
    let worker = new AbortController();
    let stops = true;
    const simulation = simulate(agentOf(() => void (stops && worker.abort(new Error('the worker stops')))));
    for (const each of ['worker-a', 'worker-b', 'worker-c', 'worker-d']) {
      worker = new AbortController();
      await simulation.run(each, undefined, worker.signal).catch(() => undefined);
    }
    expect(simulation.log.filter((event) => event.name === 'released')).toHaveLength(4);
    stops = false;
    await simulation.run('worker-e');
    expect([name, simulation.log.at(-1)?.name, simulation.log.at(-1)?.error]).toEqual([
      name,
      'completed',
      null,
    ]);
  }
});

test('the same effect asked for again after it failed goes under the key of the first try, and under one of its own once it was made', async () => {
  const keys: string[] = [];
  const change = defineTool({
    name: 'change',
    description: 'changes, and answers too late the first time',
    effect: 'write',
    takesIdempotencyKey: true,
    timeoutMs: 50,
    arguments: z.object({ at: z.number() }),
    execute: async (_, { idempotencyKey, signal }) => {
      keys.push(idempotencyKey);
      if (keys.length > 1) return `made ${keys.length}`;
      return new Promise<string>((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason)),
      );
    },
  });
  const look = defineTool({
    name: 'look',
    description: 'teaches something, so that the same effect once more is no loop',
    effect: 'read',
    arguments: z.object({ at: z.number() }),
    execute: async () => 'seen',
  });
  const again = { kind: 'tools', names: ['change'] } as const;
  const turns = [
    again,
    again,
    { kind: 'tools', names: ['look'] },
    again,
    { kind: 'text', text: 'Done.' },
  ] as const;
  const models = [scriptedModel('first', turns)];
  const agent = { ...randomAgent({}), tools: [change, look] };
  const simulation = simulate({ agent, models });
  await simulation.run('worker-a');
  const calls = simulation.log.filter(({ type, name }) => type === 'tool-call' && name === 'change');
  expect(calls.map(({ error }) => error?.code ?? null)).toEqual(['timeout', null, null]);
  const [first, second, third] = calls.map(({ executionId, step }) => `${executionId}:${step}`);
  expect(keys).toEqual([first, first, third]);
  expect(second).not.toBe(first);
  expect(calls.map(({ idempotencyKey }) => idempotencyKey)).toEqual(keys);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

/** Its worker died while it ran, and nobody knows whether it took effect. */
const lostEffect = async (keys: string[] = []) => {
  const agent = withKey((key) => keys.push(key));
  const simulation = simulate({ agent, models: changing() });
  await simulation.run('worker-a', 3).catch(() => undefined);
  expect(keys).toHaveLength(1);
  return { agent, simulation, journaled: simulation.log };
};
const LOOK = 'while change ran in step 3: look whether it took effect';

test('an effect of which nobody knows is told whatever else ends its execution, and the reason with it', async () => {
  const keys: string[] = [];
  const { agent, journaled } = await lostEffect(keys);
  const refusal = { code: 'internal' as const, message: 'the codec broke' };
  const refused = simulate({ agent, models: changing(), journaled, refusal });
  await refused.run('worker-b');
  expect(refused.log.at(-1)?.error).toMatchObject({
    code: 'effect-unknown',
    message: expect.stringContaining(`the codec broke, ${LOOK}`),
  });
  expect(replayRecorded(refused.log, [agent]).identical).toBe(true);

  const gone = simulate({ agent: null, models: changing(), journaled });
  await gone.run('worker-b');
  expect(gone.log.at(-1)?.error).toMatchObject({
    code: 'effect-unknown',
    message: expect.stringContaining(`no such agent is configured, ${LOOK}`),
  });

  const poisonous = simulate({ agent, models: changing(), journaled });
  for (const worker of ['worker-b', 'worker-c']) await poisonous.run(worker, 1).catch(() => undefined);
  await poisonous.run('worker-d');
  expect(poisonous.log.at(-1)?.error).toMatchObject({
    code: 'effect-unknown',
    message: expect.stringContaining(`2 workers in a row died before its next step, ${LOOK}`),
  });
  expect(replayRecorded(poisonous.log, [agent]).identical).toBe(true);
  expect(keys).toHaveLength(1);
});

test('a read that was lost hides no other end, and a journal of before ends as it did', async () => {
  const { agent, journaled } = await lostEffect();
  const refusal = { code: 'internal' as const, message: 'the codec broke' };
  const reading = agent.tools?.map((tool) => ({ ...tool, effect: 'read' as const })) ?? [];
  const read = simulate({ agent: { ...agent, tools: reading }, models: changing(), journaled, refusal });
  await read.run('worker-b');
  expect(read.log.at(-1)?.error).toMatchObject(refusal);

  const state = foldEvents(
    journaled.map((event) => (event.type === 'request' ? withoutRules(event) : event)),
  );
  const { phase } = state;
  if (phase.kind !== 'calling-tool') throw new Error('nothing is under way');
  const lost = { ...state, phase: { ...phase, orphaned: true } };
  const facts = { agent, refusal, sessionId: null, estimate: () => undefined };
  expect(decide(lost, facts, state.startedAt)).toMatchObject({ input: { error: refusal } });
});
