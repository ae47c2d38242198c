/** Breakers of models under an execution: it goes to the next model, waits where none is left, and ends where no wait would help. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { type CallGuards, type Denial, UNGUARDED } from '../../../agents/runtime/call-guards.ts';
import { type ExecutionControls, SILENT } from '../../../agents/runtime/execution-controls.ts';
import {
  afterCall,
  type Breaker,
  beforeCall,
  CLOSED,
  withoutCall,
} from '../../../connectors/guarded-calls/breaker-state.ts';
import { parseTerminalOutput } from '../../../schemas/execution-payloads.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { randomAgent, scriptedModel } from './random-model.ts';
import { type DecisionFacts, decide, foldEvents, simulate } from './simulated-journal.ts';

const BEGIN_MS = 1_700_000_000_000;
const ANSWER = { kind: 'text' as const, text: 'Thirty days [1].' };
const FAILURE = { kind: 'failure' as const, retryable: true, mayHaveCost: false };

/** The wait itself takes no time: the clock of a simulation moves on by every look at it. */
const PATIENT: ExecutionControls = {
  ...SILENT,
  open: () => ({
    stop: () => null,
    approval: () => null,
    stopped: new AbortController().signal,
    changed: async () => undefined,
    close: () => undefined,
  }),
};

interface Outage {
  /** By name, as they stand at the beginning. */
  readonly breakers: Readonly<Record<string, Breaker>>;
  readonly models: Parameters<typeof simulate>[0]['models'];
  readonly maxMs?: number;
  readonly openMs?: number;
  readonly onAsk?: (breakers: Map<string, Breaker>) => void;
  readonly denied?: Denial;
}

/** Breakers by name, of the clock of the simulation that they guard. */
const guardsOf = (
  breakers: Map<string, Breaker>,
  now: () => number,
  { openMs = 30_000, onAsk, denied }: Pick<Outage, 'openMs' | 'onAsk' | 'denied'>,
): CallGuards => ({
  ...UNGUARDED,
  mayCall: async (name) => {
    onAsk?.(breakers);
    const { breaker, verdict } = beforeCall(
      breakers.get(name) ?? CLOSED,
      { failures: 1, openMs },
      now() / 1_000,
    );
    breakers.set(name, breaker);
    return verdict.allowed ? null : { message: `${name} is open`, retryAfterMs: verdict.waitMs };
  },
  called: (name, worked) => {
    const breaker = breakers.get(name) ?? CLOSED;
    breakers.set(name, afterCall(breaker, { failures: 1, openMs }, now() / 1_000, worked));
  },
  notMade: (name) => {
    breakers.set(name, withoutCall(breakers.get(name) ?? CLOSED, { failures: 1, openMs }, now() / 1_000));
  },
  reserve: async () => denied ?? null,
});

const simulated = (settings: Outage) => {
  const agent = randomAgent({ maxSteps: 12, maxUsd: '5', maxMs: settings.maxMs ?? 120_000 });
  const breakers = new Map(Object.entries(settings.breakers));
  const simulation: ReturnType<typeof simulate> = simulate({
    ...{ agent, models: settings.models, control: PATIENT },
    guards: guardsOf(breakers, () => simulation.now(), settings),
  });
  return { agent, simulation, breakers };
};

const heldBack = (log: readonly AgentEvent[]) => log.filter(({ error }) => error?.code === 'breaker-open');
const msOf = (event: AgentEvent | undefined): number => (event?.at ?? 0) / 1_000 - BEGIN_MS;
const endOf = (log: readonly AgentEvent[]) => {
  const end = log.at(-1);
  return { code: end?.error?.code ?? null, outcome: parseTerminalOutput(end?.output ?? null)?.outcome };
};

test('with the breakers of all its models open it waits until the first may be tried, and goes on', async () => {
  const models = [scriptedModel('first', [ANSWER]), scriptedModel('second', [ANSWER])];
  const { agent, simulation } = simulated({
    breakers: {
      'model:first': { state: 'open', until: BEGIN_MS + 45_000 },
      'model:second': { state: 'open', until: BEGIN_MS + 30_000 },
    },
    models,
  });
  await simulation.run('worker-a');
  expect(endOf(simulation.log)).toEqual({ code: null, outcome: 'completed' });
  expect(heldBack(simulation.log).map(({ name, error }) => [name, error?.retryable])).toEqual([
    ['first', true],
    ['second', true],
  ]);
  const intent = simulation.log.find(({ type }) => type === 'intent');
  expect(intent?.name).toBe('second');
  expect(msOf(intent)).toBeGreaterThanOrEqual(30_000);
  // Up to a tenth later, so that many do not come at once.
  expect(msOf(intent)).toBeLessThan(35_000);
  expect(models.map((model) => model.calls())).toEqual([0, 1]);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('the one that would try an open breaker, and may not spend: the next may try it at once', async () => {
  const models = [scriptedModel('first', [ANSWER])];
  const { simulation, breakers } = simulated({
    breakers: { 'model:first': { state: 'open', until: BEGIN_MS - 1 } },
    denied: { code: 'agent-budget', message: 'the day is spent' },
    models,
  });
  await simulation.run('worker-a');
  expect(endOf(simulation.log).code).toBe('agent-budget');
  expect(models[0]?.calls()).toBe(0);
  const verdict = beforeCall(
    breakers.get('model:first') ?? CLOSED,
    { failures: 1, openMs: 30_000 },
    simulation.now() / 1_000,
  );
  expect(verdict.breaker.state).toBe('half-open');
  expect(verdict.verdict.allowed).toBe(true);
});

test('where the first may be tried after its deadline only, it fails at once', async () => {
  const { agent, simulation } = simulated({
    breakers: { 'model:first': { state: 'open', until: BEGIN_MS + 30_000 } },
    models: [scriptedModel('first', [ANSWER])],
    maxMs: 20_000,
  });
  await simulation.run('worker-a');
  expect(endOf(simulation.log)).toEqual({ code: 'model-failed', outcome: 'failed' });
  expect(msOf(simulation.log.at(-1))).toBeLessThan(10_000);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test("another's trial is looked at again and again, and what closes the breaker sooner is not slept through", async () => {
  const model = scriptedModel('first', [ANSWER]);
  let asks = 0;
  const { agent, simulation } = simulated({
    breakers: { 'model:first': { state: 'half-open', until: BEGIN_MS + 60_000 } },
    models: [model],
    onAsk: (breakers) => {
      asks += 1;
      // The trial came to something.
      if (asks === 4) breakers.set('model:first', CLOSED);
    },
  });
  await simulation.run('worker-a');
  expect(endOf(simulation.log)).toEqual({ code: null, outcome: 'completed' });
  expect(heldBack(simulation.log)).toHaveLength(3);
  expect(msOf(simulation.log.at(-1))).toBeLessThan(20_000);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('the next model is asked at once, however soon the breaker of the first may be tried', async () => {
  const models = [scriptedModel('first', [ANSWER]), scriptedModel('second', [ANSWER])];
  const { agent, simulation } = simulated({
    breakers: { 'model:first': { state: 'open', until: BEGIN_MS + 5_000 } },
    models,
  });
  await simulation.run('worker-a');
  expect(models.map((model) => model.calls())).toEqual([0, 1]);
  expect(msOf(simulation.log.at(-1))).toBeLessThan(5_000);
  expect(replayRecorded(simulation.log, [agent]).identical).toBe(true);
});

test('in journals of before, an open breaker ended the execution, and a replay still ends there', async () => {
  const { agent, simulation } = simulated({
    breakers: { 'model:first': { state: 'open', until: BEGIN_MS + 30_000 } },
    models: [scriptedModel('first', [ANSWER])],
  });
  await simulation.run('worker-a');
  const at = simulation.log.findIndex(({ error }) => error?.code === 'breaker-open');
  const before = simulation.log
    .slice(0, at + 1)
    .map((event) =>
      event.error ? { ...event, output: null, error: { ...event.error, retryable: false } } : event,
    );
  const facts: DecisionFacts = {
    ...{ agent, refusal: null, sessionId: null },
    estimate: () => ({ inputTokens: 10, outputTokens: 10 }),
  };
  const now = (before.at(-1)?.at ?? 0) + 1;
  expect(decide(foldEvents(before), facts, now)).toMatchObject({
    kind: 'respond',
    input: { error: { code: 'model-failed' } },
  });
  expect(decide(foldEvents(simulation.log.slice(0, at + 1)), facts, now)).toMatchObject({ kind: 'wait' });
});

test('through any outage it ends in its time, gives up only what was tried often enough or comes too late, and replays identically', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        failing: fc.nat(4),
        openMs: fc.integer({ min: 100, max: 40_000 }),
        maxMs: fc.integer({ min: 5_000, max: 300_000 }),
        until: fc.array(
          fc.record({ state: fc.constantFrom('open', 'half-open'), afterMs: fc.nat(200_000) }),
          { minLength: 1, maxLength: 2 },
        ),
      }),
      async ({ failing, openMs, maxMs, until }) => {
        const turns = [...Array.from({ length: failing }, () => FAILURE), ANSWER];
        const models = until.map((_, at) => scriptedModel(`model-${at}`, turns));
        const breakers = Object.fromEntries(
          until.map(({ state, afterMs }, at) => [
            `model:model-${at}`,
            { state, until: BEGIN_MS + afterMs } as Breaker,
          ]),
        );
        const { agent, simulation } = simulated({ breakers, models, maxMs, openMs });
        await simulation.run('worker-a');
        const { code } = endOf(simulation.log);
        expect([null, 'model-failed', 'wall-time']).toContain(code);
        const state = foldEvents(simulation.log);
        // It ended within its time, and a few looks of this clock.
        expect(msOf(simulation.log.at(-1))).toBeLessThan(maxMs + 5_000);
        for (const model of models) {
          const own = state.failures.filter(({ name }) => name === model.id);
          const last = own.at(-1);
          const came = last ? last.at / 1_000 - BEGIN_MS + (last.retryAfterMs ?? 30_000) : 0;
          if (code === 'model-failed') expect(model.calls() >= 3 || came > maxMs - 5_000).toBe(true);
          // Its attempts, one word of a breaker that names a time, and looks at a trial after it: seven that double to 30 s.
          expect(own.length).toBeLessThanOrEqual(3 + 1 + 7 + 1 + maxMs / 30_000);
        }
        expect(replayRecorded(simulation.log, [agent]).decisions.filter(({ same }) => !same)).toEqual([]);
      },
    ),
    { numRuns: 100 },
  );
});
