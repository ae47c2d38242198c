import fc from 'fast-check';
import { expect, test } from 'vitest';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { totalUsd } from '../../../schemas/execution-costs.ts';
import { parseTerminalOutput } from '../../../schemas/execution-payloads.ts';
import { parseUsd, priceOf } from '../../../schemas/money.ts';
import type { FreshnessRequest } from '../../../schemas/search.ts';
import { fixedRetriever } from '../fixed-retriever.ts';
import { randomAgent, scriptedModel, TURNS } from './random-model.ts';
import { simulate } from './simulated-journal.ts';

const LIMITS = fc.record({
  maxSteps: fc.integer({ min: 1, max: 12 }),
  maxUsd: fc.constantFrom('0', '0.01', '0.05', '1'),
  maxMs: fc.constantFrom(1_000, 20_000, 600_000),
  maxOutputTokens: fc.constantFrom(10, 400),
});

test('an execution of any agent ends within its caps, replays identically, and costs what its models charged (I3, I10)', async () => {
  await fc.assert(
    fc.asyncProperty(
      LIMITS,
      fc.array(TURNS, { minLength: 1, maxLength: 8 }),
      fc.array(TURNS, { maxLength: 4 }),
      async (limits, first, second) => {
        const agent = randomAgent(limits);
        const models = [scriptedModel('first', first), scriptedModel('second', second)];
        const simulation = simulate({ agent, models });
        await simulation.run('worker-a');

        const end = simulation.log.at(-1);
        expect(end?.type).toBe('response');
        const terminal = parseTerminalOutput(end?.output ?? null);
        expect(terminal?.steps).toBeLessThanOrEqual(limits.maxSteps);
        expect(terminal?.outcome === 'completed').toBe(end?.error === null);

        const state = foldEvents(simulation.log);
        const total = totalUsd(state.costs);
        expect(total <= parseUsd(limits.maxUsd)).toBe(true);
        // What was charged for replies is counted to the picodollar; uncertain failures are on top of it.
        let charged = 0n;
        for (const model of models) {
          const { input, output } = model.charged();
          charged += priceOf({ inputTokens: input, outputTokens: output }, model.price);
        }
        const settled = [...state.costs.values()].filter((cost) => cost.state === 'settled');
        expect(settled.reduce((sum, cost) => sum + parseUsd(cost.usd), 0n)).toBe(charged);
        expect(total >= charged).toBe(true);

        const before = models.map((model) => model.calls());
        const replay = replayRecorded(simulation.log, [agent]);
        expect(replay.decisions.filter((decision) => !decision.same)).toEqual([]);
        expect(replay.identical).toBe(true);
        expect(models.map((model) => model.calls())).toEqual(before);
      },
    ),
    { numRuns: 150 },
  );
});

test('killed at any append, again and again, it goes on: no finished step and no effect is done twice (I8)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(TURNS, { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 6 }),
      async (turns, deaths) => {
        const effects: string[] = [];
        const agent = randomAgent({ maxSteps: 12, maxUsd: '5', maxMs: 3_600_000 }, (key) =>
          effects.push(key),
        );
        const models = [scriptedModel('first', turns)];
        const simulation = simulate({ agent, models });
        for (const [index, dieAfter] of deaths.entries()) {
          await simulation.run(`worker-${index}`, dieAfter).catch(() => undefined);
          if (simulation.log.at(-1)?.type === 'response') break;
        }
        if (simulation.log.at(-1)?.type !== 'response') await simulation.run('worker-last');
        expect(simulation.log.filter((event) => event.type === 'response')).toHaveLength(1);
        expect(new Set(effects).size).toBe(effects.length);
        const done = simulation.log.filter(
          (event) => event.type === 'llm-response' || event.type === 'tool-call',
        );
        expect(new Set(done.map((event) => event.step)).size).toBe(done.length);
        const replay = replayRecorded(simulation.log, [agent]);
        expect(replay.decisions.filter((decision) => !decision.same)).toEqual([]);
      },
    ),
    { numRuns: 200 },
  );
});

test('a changed definition shows in the replay, decision by decision, and its version is named', async () => {
  const agent = randomAgent({ maxSteps: 12 });
  const simulation = simulate({
    agent,
    models: [
      scriptedModel('first', [
        { kind: 'tools', names: ['look'] },
        { kind: 'text', text: 'Done [1].' },
      ]),
    ],
  });
  await simulation.run('worker-a');
  const changed = { ...agent, instructions: 'Do as I like.', version: '2' };
  const replay = replayRecorded(simulation.log, [changed]);
  expect(replay.identical).toBe(false);
  expect(replay.behaviour).toEqual({ recorded: ['1'], replayed: '2', same: false });
  expect(replay.decisions.filter((decision) => !decision.same).map(({ kind }) => kind)).toEqual([
    'request',
    'model',
    'model',
  ]);
  expect(replay.outsideCalls).toBe(0);
});

test('a call that was lost with its worker counts at its reservation, and is made again', async () => {
  const agent = randomAgent({ maxUsd: '5' });
  const model = scriptedModel('first', [{ kind: 'text', text: 'Thirty days [1].' }]);
  const simulation = simulate({ agent, models: [model] });
  // Claim, retrieval with intent: the second append is the last, and the reply finds no journal any more.
  await simulation.run('worker-a', 2).catch(() => undefined);
  expect(simulation.log.at(-1)?.type).toBe('intent');
  await simulation.run('worker-b');
  expect(model.calls()).toBe(2);
  const costs = [...foldEvents(simulation.log).costs.values()];
  expect(costs.map(({ state }) => state)).toEqual(['lost', 'settled']);
  const intent = simulation.log.find((event) => event.type === 'intent');
  expect(costs[0]?.usd).toBe(intent?.reservedUsd);
});

test('a write tool whose outcome was lost is parked for a person, unless it takes the key: then it runs under the same', async () => {
  for (const takesIdempotencyKey of [false, true]) {
    const keys: string[] = [];
    const plain = randomAgent({}, (key) => keys.push(key));
    const tools = plain.tools?.map((tool) => ({ ...tool, takesIdempotencyKey }));
    const agent = { ...plain, ...(tools ? { tools } : {}) };
    const model = scriptedModel('first', [
      { kind: 'tools', names: ['change'] },
      { kind: 'text', text: 'Changed.' },
    ]);
    const simulation = simulate({ agent, models: [model] });
    // Claim, retrieval with intent, reply with the intent of the tool: its outcome is lost.
    await simulation.run('worker-a', 3).catch(() => undefined);
    expect(keys).toHaveLength(1);
    await simulation.run('worker-b');
    const end = simulation.log.at(-1);
    expect(end?.error?.code ?? null).toBe(takesIdempotencyKey ? null : 'effect-unknown');
    expect(keys).toEqual(takesIdempotencyKey ? [keys[0], keys[0]] : [keys[0]]);
    expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
  }
});

test('an agent that is not there, a task that is too large, a budget that is no money: each a failed result', async () => {
  const codes: (string | undefined)[] = [];
  const agent = randomAgent({});
  const models = [scriptedModel('first', [])];
  for (const simulation of [
    simulate({ agent: null, models }),
    simulate({ agent, models, refusal: { code: 'too-large', message: 'too large' } }),
    simulate({ agent, models, budget: { maxUsd: 'much', maxSteps: null } }),
    simulate({ agent, models: [] }),
  ]) {
    await simulation.run('worker-a');
    codes.push(simulation.log.at(-1)?.error?.code);
  }
  expect(codes).toEqual(['unknown-agent', 'too-large', 'task-invalid', 'model-failed']);
});

test('what a task asks of freshness goes with every retrieval of it; a stale index ends it as stale, tried once', async () => {
  const freshness = { maxStalenessMs: null, after: { source: 'shop', position: '0/16B3748' }, waitMs: 2_000 };
  const asked: (FreshnessRequest | undefined)[] = [];
  const agent = randomAgent({ maxSteps: 12 });
  const fixed = fixedRetriever();
  const fresh = simulate({
    agent,
    models: [
      scriptedModel('first', [
        { kind: 'tools', names: ['look'] },
        { kind: 'text', text: 'Done [1].' },
      ]),
    ],
    freshness,
    retriever: {
      search: (request) => {
        asked.push(request.freshness);
        return fixed.search(request);
      },
    },
  });
  await fresh.run('worker-a');
  expect(asked.length).toBeGreaterThanOrEqual(1);
  for (const each of asked) expect(each).toEqual({ after: freshness.after, waitMs: 2_000 });
  expect(replayRecorded(fresh.log, [agent]).identical).toBe(true);

  let tries = 0;
  const stale = simulate({
    agent,
    models: [scriptedModel('first', [{ kind: 'text', text: 'Never.' }])],
    freshness,
    retriever: {
      search: async () => {
        tries += 1;
        throw new FreshetError('stale', 'it covers the source shop up to 0/1, not yet 0/16B3748');
      },
    },
  });
  await stale.run('worker-a');
  expect(tries).toBe(1);
  expect(stale.log.at(-1)).toMatchObject({ type: 'response', error: { code: 'stale' } });
  expect(replayRecorded(stale.log, [agent]).identical).toBe(true);
});
