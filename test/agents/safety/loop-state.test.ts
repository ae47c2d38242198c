/** The controller of loops, held against random agents: it always ends a run that gets nowhere, and never one that does. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  afterStep,
  EMPTY_LOOP,
  type LoopLimits,
  type LoopState,
  loopVerdict,
  type StepSeen,
} from '../../../agents/safety/loop-state.ts';
import { DEFAULT_SAFETY, SEEN_STEPS } from '../../../schemas/safety-policy.ts';

const LIMITS: LoopLimits = DEFAULT_SAFETY;
const WIDE: LoopLimits = { ...LIMITS, maxCallsPerTool: 1_000, repeatLimit: 50, identicalStates: 60 };

const tool = (name: string, input: string, outcome: string, over: Partial<StepSeen> = {}): StepSeen => ({
  kind: 'tool',
  name,
  inputHash: input,
  outcomeHash: outcome,
  effect: 'read',
  ...over,
});
const reply = (text: string): StepSeen => tool('model', '', text, { kind: 'model' });

const after = (steps: readonly StepSeen[]): LoopState => steps.reduce(afterStep, EMPTY_LOOP);
const codeOf = (steps: readonly StepSeen[], next: StepSeen, limits = LIMITS): string => {
  const verdict = loopVerdict(after(steps), next, limits);
  return verdict.allowed ? 'allowed' : verdict.code;
};

describe('what is stopped', () => {
  const a = tool('look', 'a', '1');
  const b = tool('look', 'b', '2');

  test('the same read again and again', () => {
    expect(codeOf([a, a, a], a)).toBe('loop');
    expect(codeOf([a, a], a)).toBe('allowed');
    // Of old knowledge it may be asked again once something new was learned.
    expect(codeOf([a, a, a, b], a)).toBe('allowed');
  });

  test('an effect repeated with the same arguments, whatever it answers; not one that failed', () => {
    const send = (outcome: string, failed = false) => tool('send', 'x', outcome, { effect: 'write', failed });
    expect(codeOf([send('1')], send('2'))).toBe('loop');
    expect(codeOf([send('1'), reply('sent?')], send('2'))).toBe('loop');
    expect(codeOf([send('1'), a], send('2'))).toBe('allowed');
    expect(codeOf([send('1', true)], send('2'))).toBe('allowed');
    expect(codeOf([send('1')], send('2'), { ...LIMITS, effectRepeatLimit: 1 })).toBe('allowed');
  });

  test('a tool called too often, however much it tells; a tool may have a cap of its own', () => {
    const calls = Array.from({ length: 20 }, (_, at) => tool('look', `${at}`, `${at}`));
    const next = tool('look', 'next', '');
    expect(codeOf(calls, next)).toBe('tool-cap');
    expect(codeOf(calls.slice(1), next)).toBe('allowed');
    const capped = loopVerdict(after([a]), { ...next, maxCalls: 1 }, LIMITS);
    expect(capped).toMatchObject({ allowed: false, code: 'tool-cap' });
  });

  test('a cycle, at the beginning of its third round', () => {
    for (let length = 2; length <= 16; length += 1) {
      const cycle = Array.from({ length }, (_, at) => tool('look', `${at}`, 'same'));
      const next = cycle[0] ?? a;
      expect(codeOf([...cycle, ...cycle], next, WIDE)).toBe('thrashing');
      expect(codeOf([...cycle, ...cycle.slice(1)], next, WIDE)).toBe('allowed');
      // Out of the cycle: this may be what ends it.
      expect(codeOf([...cycle, ...cycle], tool('other', '', ''), WIDE)).toBe('allowed');
    }
  });

  test('one call whose answer swings between two', () => {
    const swings = ['1', '2', '1', '2'].map((outcome) => tool('look', 'a', outcome));
    expect(codeOf(swings, a, WIDE)).toBe('thrashing');
  });

  test('steps in no order that teach nothing, and refused calls under ever new names', () => {
    const known = ['a', 'b', 'c', 'd'].map((input) => tool('look', input, 'same'));
    const [p, q, r, s] = known as [StepSeen, StepSeen, StepSeen, StepSeen];
    const wandering = [...known, p, r, q, s, r, p, s, q];
    expect(codeOf(wandering, tool('other', '', ''))).toBe('no-progress');
    expect(codeOf(wandering.slice(0, -1), tool('other', '', ''))).toBe('allowed');
    const refused = Array.from({ length: 8 }, (_, at) =>
      tool(`made-up-${at}`, '', '', { kind: 'refuse-tool' }),
    );
    expect(codeOf(refused, tool('made-up', '', ''))).toBe('no-progress');
  });

  test('a model that repeats itself without a tool, and never one that may still answer', () => {
    const same = Array.from({ length: 10 }, () => reply('hm'));
    expect(codeOf(same, reply('hm'))).toBe('no-progress');
    const varied = Array.from({ length: 30 }, (_, at) => reply(`part ${at}`));
    expect(codeOf(varied, reply('next'))).toBe('allowed');
    const stuck = [a, a, a].flatMap((step) => [reply('again'), step]);
    expect(codeOf(stuck, a)).toBe('loop');
    expect(codeOf(stuck, reply('I give up'))).toBe('allowed');
  });

  test('a failure teaches once, whatever its message; its wording is no progress', () => {
    const failures = Array.from({ length: 3 }, (_, at) => tool('look', 'a', `at ${at}`, { failed: true }));
    expect(codeOf(failures, a)).toBe('loop');
  });
});

describe('what is not', () => {
  test('a poll whose answer changes, up to the cap of the tool', () => {
    const polls = Array.from({ length: 19 }, (_, at) => tool('status', 'job-1', `${at} %`));
    expect(codeOf(polls, tool('status', 'job-1', ''))).toBe('allowed');
    expect(codeOf([...polls, tool('status', 'job-1', 'done')], tool('status', 'job-1', ''))).toBe('tool-cap');
  });
});

/** An agent as a graph: in each state it takes a step, whose outcome leads to another state. */
const agents = fc
  .record({
    states: fc.array(
      fc.record({
        kind: fc.constantFrom('tool', 'tool', 'tool', 'retrieve', 'model', 'refuse-tool'),
        name: fc.constantFrom('look', 'write', 'poll'),
        input: fc.nat(3),
        effect: fc.constantFrom('read' as const, 'write' as const),
        failed: fc.boolean(),
        /** By how often it was taken: what it gives, and where that leads. */
        outcomes: fc.array(fc.record({ gives: fc.nat(2), leadsTo: fc.nat(20) }), {
          minLength: 1,
          maxLength: 4,
        }),
      }),
      { minLength: 1, maxLength: 12 },
    ),
    limits: fc.record({
      maxCallsPerTool: fc.integer({ min: 1, max: 1_000 }),
      repeatLimit: fc.integer({ min: 1, max: 50 }),
      effectRepeatLimit: fc.integer({ min: 0, max: 50 }),
      identicalStates: fc.integer({ min: 1, max: SEEN_STEPS - 4 }),
    }),
  })
  .map(({ states, limits }) => ({
    limits,
    *steps(): Generator<StepSeen, never> {
      const taken = new Map<number, number>();
      for (let at = 0; ; ) {
        const state = states[at];
        if (!state) throw new Error('no such state');
        const times = taken.get(at) ?? 0;
        taken.set(at, times + 1);
        const outcome = state.outcomes[times % state.outcomes.length];
        yield {
          kind: state.kind,
          name: state.name,
          inputHash: String(state.input),
          outcomeHash: String(outcome?.gives),
          effect: state.effect,
          failed: state.failed,
        };
        at = (outcome?.leadsTo ?? 0) % states.length;
      }
    },
  }));

/** What an execution knows, told from outside by whole steps and no digests. */
const knowledge = () => {
  const known = new Set<string>();
  let afterModel = false;
  return (step: StepSeen): 'learned' | 'nothing' | 'reply' => {
    const isReply = step.kind === 'model' && !afterModel;
    afterModel = step.kind === 'model';
    if (isReply) return 'reply';
    const input = step.kind === 'model' ? '' : step.inputHash;
    const fact = JSON.stringify([step.kind, step.name, input, step.failed ? 'failed' : [step.outcomeHash]]);
    if (step.kind === 'refuse-tool' || known.has(fact)) return 'nothing';
    known.add(fact);
    return 'learned';
  };
};

test('every random agent is stopped within the bound after it last learned something', () => {
  fc.assert(
    fc.property(agents, ({ steps, limits }) => {
      const learn = knowledge();
      let loop = EMPTY_LOOP;
      let since = 0;
      for (const step of steps()) {
        if (!loopVerdict(loop, step, limits).allowed) return;
        since = learn(step) === 'learned' ? 0 : since + 1;
        // These agents have finitely many facts, so one that is not stopped stops learning.
        expect(since).toBeLessThanOrEqual(2 * limits.identicalStates + 1);
        loop = afterStep(loop, step);
      }
    }),
    { numRuns: 3_000 },
  );
});

test('no run is stopped while every step teaches something, before its caps', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          kind: fc.constantFrom('tool', 'retrieve', 'memory'),
          name: fc.constantFrom('look', 'poll', 'write'),
          input: fc.nat(2),
          reply: fc.boolean(),
          /** It fails once, with these arguments of its own, before it tells: a failure teaches too, once. */
          failsFirst: fc.boolean(),
          effect: fc.constantFrom('read' as const, 'write' as const),
        }),
        { minLength: 1, maxLength: 150 },
      ),
      (plan) => {
        let loop = EMPTY_LOOP;
        const take = (step: StepSeen): void => {
          expect(loopVerdict(loop, step, { ...LIMITS, maxCallsPerTool: 300, repeatLimit: 1 })).toEqual({
            allowed: true,
          });
          loop = afterStep(loop, step);
        };
        for (const [at, { kind, name, input, reply: speaks, failsFirst, effect }] of plan.entries()) {
          // What takes effect does so with arguments of its own; what reads may ask the same, and hears something new.
          const asked = effect === 'write' || failsFirst ? `${input} of ${at}` : String(input);
          const step = tool(name, asked, `new ${at}`, { kind, effect });
          if (speaks) loop = afterStep(loop, reply('let me see'));
          if (failsFirst) take({ ...step, failed: true });
          take(step);
        }
      },
    ),
  );
});

test('no run is stopped that learns something at every second step, whatever it looks at again in between', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          name: fc.constantFrom('look', 'poll', 'write'),
          input: fc.nat(2),
          /** Which of the steps before it is made again after it, if any is: the last, the one before that, and so on. */
          again: fc.option(fc.nat(20), { nil: null }),
          refused: fc.boolean(),
        }),
        { minLength: 1, maxLength: 100 },
      ),
      (plan) => {
        let loop = EMPTY_LOOP;
        const taken: StepSeen[] = [];
        const take = (step: StepSeen): void => {
          expect(loopVerdict(loop, step, { ...LIMITS, maxCallsPerTool: 300 })).toEqual({ allowed: true });
          loop = afterStep(loop, step);
        };
        for (const [at, { name, input, again, refused }] of plan.entries()) {
          const step = tool(name, String(input), `new ${at}`);
          take(step);
          taken.push(step);
          if (again === null) continue;
          const old = taken[Math.max(0, taken.length - 1 - again)] ?? step;
          take(refused ? { ...old, kind: 'refuse-tool' } : old);
        }
      },
    ),
  );
});

test('effects with arguments of their own are progress too', () => {
  let loop = EMPTY_LOOP;
  for (let at = 0; at < 20; at += 1) {
    const step = tool('send', `to ${at}`, 'sent', { effect: 'write' });
    expect(loopVerdict(loop, step, LIMITS).allowed).toBe(true);
    loop = afterStep(loop, step);
  }
});

test('the state is plain, the same in every replay, and bounded however long the run', () => {
  fc.assert(
    fc.property(agents, ({ steps, limits }) => {
      const run: StepSeen[] = [];
      for (const step of steps()) {
        run.push(step);
        if (run.length === 40) break;
      }
      let live = EMPTY_LOOP;
      let stored = EMPTY_LOOP;
      for (const step of run) {
        expect(loopVerdict(stored, step, limits)).toEqual(loopVerdict(live, step, limits));
        live = afterStep(live, step);
        stored = JSON.parse(JSON.stringify(afterStep(stored, step))) as LoopState;
      }
      expect(stored).toEqual(live);
    }),
    { numRuns: 200 },
  );
  let loop = EMPTY_LOOP;
  for (let at = 0; at < 5_000; at += 1) loop = afterStep(loop, tool(`tool-${at}`, `${at}`, `${at}`));
  expect(Object.values(loop.known).flat().length).toBeLessThanOrEqual(16 * 128);
  expect(loop.recent.length).toBeLessThanOrEqual(SEEN_STEPS);
  expect(Object.keys(loop.calls).length).toBeLessThanOrEqual(65);
  expect(JSON.stringify(loop).length).toBeLessThan(60_000);
});

test('a tool named after what objects inherit is a tool like any other', () => {
  const names = ['__proto__', 'constructor', 'toString'];
  const loop = after(names.map((name) => tool(name, 'a', '1')));
  for (const name of names) {
    expect(loopVerdict(loop, { ...tool(name, 'b', ''), maxCalls: 2 }, LIMITS).allowed).toBe(true);
    expect(loopVerdict(loop, { ...tool(name, 'b', ''), maxCalls: 1 }, LIMITS).allowed).toBe(false);
  }
});
