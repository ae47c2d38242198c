import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compensationsOf } from '../../../agents/replay/compensations.ts';
import { forkedEvents } from '../../../agents/replay/fork-events.ts';
import type { CallGuards } from '../../../agents/runtime/call-guards.ts';
import { type ExecutionControls, SILENT } from '../../../agents/runtime/execution-controls.ts';
import type { AgentDefinition } from '../../../schemas/agent-definition.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { advanceCosts, NO_COSTS } from '../../../schemas/execution-costs.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { eventOf } from '../../support/event-of.ts';
import { ledgerOf } from '../runtime/money-asked.ts';
import { scriptedModel } from '../runtime/random-model.ts';
import { simulate } from '../runtime/simulated-journal.ts';
import { AGENT, RECORDINGS, recordExecution } from './recorded-executions.ts';

const undoing = (onUndo: (key: string) => void, takesIdempotencyKey = false): AgentDefinition => ({
  ...AGENT,
  tools: (AGENT.tools ?? []).map((tool) =>
    tool.name === 'change'
      ? {
          ...tool,
          takesIdempotencyKey,
          compensate: async (_input, _output, { idempotencyKey }) => onUndo(idempotencyKey),
        }
      : tool,
  ),
});

test('of any execution: every effect after the step once, the latest first, under a key of its own', async () => {
  await fc.assert(
    fc.asyncProperty(RECORDINGS, fc.nat(12), async (recording, step) => {
      const agent = undoing(() => undefined);
      const events = await recordExecution('task-a', recording, { agent });
      const effects = compensationsOf(events, step, agent);
      const had = new Set(
        events
          .filter(
            (event) =>
              event.type === 'tool-call' && event.name === 'change' && !event.error && event.step > step,
          )
          .map((event) => event.idempotencyKey),
      );
      const certain = effects.filter(({ kind }) => kind === 'declared');
      expect(new Set(certain.map(({ idempotencyKey }) => idempotencyKey.replace(/:undo$/, '')))).toEqual(had);
      expect(effects.map((each) => each.step)).toEqual(
        [...effects.map((each) => each.step)].sort((a, b) => b - a),
      );
      expect(new Set(effects.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(effects.length);
      for (const effect of effects) expect(effect.step).toBeGreaterThan(step);
      expect(compensationsOf(events, step, null).some(({ kind }) => kind === 'declared')).toBe(false);
    }),
    { numRuns: 150 },
  );
});

test('what may have happened stays unknown though another try under its key failed for certain, and is known once one was made', () => {
  const idempotencyKey = 'execution-1:3';
  const tried = (step: number, code: string | null) => [
    eventOf({ type: 'intent', step, name: 'change', idempotencyKey }),
    ...(code === 'died'
      ? []
      : [
          eventOf({
            ...{ type: 'tool-call', step, name: 'change', idempotencyKey },
            error: code === null ? null : { code, message: '', retryable: false },
          }),
        ]),
  ];
  const kinds = (codes: readonly (string | null)[]) =>
    compensationsOf(
      [eventOf({ type: 'claim' }), ...codes.flatMap((code, at) => tried(3 + at, code))].map(
        (event, sequence) => ({ ...event, sequence }),
      ),
      0,
      undoing(() => undefined),
    ).map(({ kind, idempotencyKey: key }) => [kind, key]);
  expect(kinds(['tool-failed'])).toEqual([]);
  expect(kinds(['timeout', 'tool-failed'])).toEqual([['unknown', 'execution-1:3:undo']]);
  expect(kinds(['timeout', null])).toEqual([['declared', 'execution-1:3:undo']]);
  // Its worker died before anything was journaled of the first try.
  expect(kinds(['died', 'tool-failed'])).toEqual([['unknown', 'execution-1:3:undo']]);
  expect(kinds(['tool-failed', 'tool-failed'])).toEqual([]);
});

const CHANGED_TWICE = {
  turns: [
    { kind: 'tools', names: ['change', 'change'] },
    { kind: 'text', text: 'Done [1].' },
  ],
  deaths: [],
} as const;

type Compensate = NonNullable<NonNullable<AgentDefinition['tools']>[number]['compensate']>;

/** A fork of two changes from its beginning, undone as `compensate` does. */
const forkOf = async (
  compensate: Compensate,
  more: {
    readonly takesIdempotencyKey?: boolean;
    readonly timeoutMs?: number;
    readonly control?: ExecutionControls;
    readonly deadlineAt?: number;
    readonly compensateUsd?: string;
    readonly guards?: CallGuards;
  } = {},
) => {
  const { takesIdempotencyKey = false, timeoutMs, control, deadlineAt, compensateUsd, guards } = more;
  const agent: AgentDefinition = {
    ...AGENT,
    tools: (AGENT.tools ?? []).map((tool) =>
      tool.name === 'change'
        ? {
            ...{ ...tool, takesIdempotencyKey, compensate },
            ...(timeoutMs === undefined ? {} : { timeoutMs }),
            ...(compensateUsd === undefined ? {} : { compensateUsd }),
          }
        : tool,
    ),
  };
  const origin = await recordExecution('task-a', CHANGED_TWICE, { agent });
  const simulation = simulate({
    ...{ agent, models: [scriptedModel('first', [{ kind: 'text', text: 'Not this time.' }])] },
    fork: { origin, step: 0 },
    ...(control ? { control } : {}),
    ...(guards ? { guards } : {}),
    ...(deadlineAt === undefined ? {} : { deadlineAt }),
  });
  return {
    ...simulation,
    keys: compensationsOf(origin, 0, agent).map(({ idempotencyKey }) => idempotencyKey),
    /** Of each undoing: null where it went well. */
    outcomes: () =>
      simulation.log.filter(({ name }) => name === 'undone').map(({ error }) => error?.code ?? null),
    end: () => simulation.log.at(-1)?.error?.code ?? simulation.log.at(-1)?.name,
  };
};

test('effects are undone once and before anything is decided: a worker that takes over does not undo again what is undone', async () => {
  const undone: string[] = [];
  const fork = await forkOf(async (_input, _output, { idempotencyKey }) => {
    undone.push(idempotencyKey);
  });
  expect(fork.keys).toHaveLength(2);
  // It dies before the intent of the second undoing: after the claim, and the intent and outcome of the first.
  await expect(fork.run('worker-a', 3)).rejects.toThrow('killed');
  expect(undone).toHaveLength(1);
  await fork.run('worker-b');
  expect(undone).toEqual(fork.keys);
  expect(fork.outcomes()).toEqual([null, null]);
  expect(fork.end()).toBe('completed');
  const decided = fork.log.findIndex(({ type }) => type === 'intent' || type === 'tool-call');
  expect(fork.log.findLastIndex(({ name }) => name === 'undone')).toBeLessThan(decided);
});

test('an undoing whose outcome was lost is made again under its key where the tool takes it, and else left to a person', async () => {
  for (const takesIdempotencyKey of [true, false]) {
    const undone: string[] = [];
    const fork = await forkOf(
      async (_input, _output, { idempotencyKey }) => {
        undone.push(idempotencyKey);
      },
      { takesIdempotencyKey },
    );
    // Undone, and its outcome not journaled.
    await expect(fork.run('worker-a', 2)).rejects.toThrow('killed');
    await fork.run('worker-b');
    const [first, second] = fork.keys;
    expect(undone).toEqual(takesIdempotencyKey ? [first, first, second] : [first, second]);
    expect(fork.outcomes()).toEqual(takesIdempotencyKey ? [null, null] : ['effect-unknown', null]);
    expect(fork.end()).toBe('completed');
  }
});

test('of one that was lost and fails the second time nobody knows which of the two was true', async () => {
  let tried = 0;
  const fork = await forkOf(
    async () => {
      tried += 1;
      if (tried === 2) throw new Error('there is nothing to undo');
    },
    { takesIdempotencyKey: true },
  );
  await expect(fork.run('worker-a', 2)).rejects.toThrow('killed');
  await fork.run('worker-b');
  expect(fork.outcomes()).toEqual(['effect-unknown', null]);
});

test('one that fails is told and the others are undone, whatever code it throws', async () => {
  let tried = 0;
  const fork = await forkOf(async () => {
    tried += 1;
    if (tried === 1) throw new FreshetError('conflict', 'it is shipped already');
  });
  await fork.run('worker-a');
  expect(tried).toBe(2);
  expect(fork.outcomes()).toEqual(['compensation-failed', null]);
  expect(fork.end()).toBe('completed');
});

const hanging = (): Promise<never> => new Promise(() => undefined);

test('one that hangs ends with its time, and nobody knows what came of it', async () => {
  const fork = await forkOf(hanging, { timeoutMs: 20 });
  await fork.run('worker-a');
  expect(fork.outcomes()).toEqual(['effect-unknown', 'effect-unknown']);
  expect(fork.end()).toBe('completed');
});

test('a cancellation is heard while effects are undone: the one under way is left, the others stand', async () => {
  const stopped = new AbortController();
  const fork = await forkOf(
    () => {
      stopped.abort();
      return hanging();
    },
    {
      control: {
        ...SILENT,
        open: (identity) => ({
          ...SILENT.open(identity),
          stop: () => (stopped.signal.aborted ? { code: 'cancelled', message: 'by ada' } : null),
          stopped: stopped.signal,
        }),
      },
    },
  );
  await fork.run('worker-a');
  expect(fork.outcomes()).toEqual(['effect-unknown']);
  expect(fork.end()).toBe('cancelled');
});

test('past its deadline a fork undoes nothing', async () => {
  const fork = await forkOf(async () => undefined, { deadlineAt: 1_600_000_000_000_000 });
  await fork.run('worker-a');
  expect(fork.outcomes()).toEqual([]);
  expect(fork.end()).toBe('deadline');
});

test('a worker that stops waits for no undoing', async () => {
  const stopping = new AbortController();
  const fork = await forkOf(() => {
    stopping.abort();
    return hanging();
  });
  await expect(fork.run('worker-a', undefined, stopping.signal)).rejects.toMatchObject({
    code: 'unavailable',
  });
  expect(fork.outcomes()).toEqual([]);
});

test('a fork that kills its workers while it undoes ends as poison', async () => {
  let tried = 0;
  const fork = await forkOf(
    async () => {
      tried += 1;
    },
    { takesIdempotencyKey: true },
  );
  for (const worker of ['worker-a', 'worker-b']) await expect(fork.run(worker, 2)).rejects.toThrow('killed');
  expect(tried).toBe(2);
  await fork.run('worker-c');
  expect(tried).toBe(2);
  expect(fork.end()).toBe('poison');
});

test('an effect at the step of the fork whose outcome was lost is not taken over, and told as one that nobody knows of', async () => {
  const agent = undoing(() => undefined);
  const whole = await recordExecution('task-a', CHANGED_TWICE, { agent });
  const lostAt = whole.findIndex(({ type, name }) => type === 'intent' && name === 'change');
  const lost = whole.slice(0, lostAt + 1);
  const step = lost.at(-1)?.step ?? 0;
  const fork = forkedEvents(lost, step, 'execution-fork');
  expect(fork.step).toBeLessThan(step);
  expect(compensationsOf(lost, fork.step, agent)).toMatchObject([{ step, tool: 'change', kind: 'unknown' }]);
});

/** What the journal says that was spent, by cost id. */
const spentIn = (log: readonly AgentEvent[]) =>
  new Map(
    [...log.reduce((costs, event) => advanceCosts(costs, event, true), NO_COSTS).values()].map(
      ({ costId, usd }) => [costId, usd],
    ),
  );

const undoCosts = (log: readonly AgentEvent[]) =>
  [...log.reduce((costs, event) => advanceCosts(costs, event, true), NO_COSTS).values()]
    .filter(({ tool }) => tool === 'change')
    .map(({ usd, state }) => [usd, state]);

test('undoing costs what the tool says, each its own, also the one whose outcome was lost; the ledger has the same (I3)', async () => {
  const { guards, settled, counted } = ledgerOf();
  const more = { takesIdempotencyKey: true, compensateUsd: '0.02', guards };
  const fork = await forkOf(async () => undefined, more);
  await fork.run('worker-a');
  expect(undoCosts(fork.log)).toEqual([
    ['0.02', 'settled'],
    ['0.02', 'settled'],
  ]);
  expect(settled).toEqual(spentIn(fork.log));
  expect(counted).toEqual(settled);
  const other = ledgerOf();
  const lost = await forkOf(async () => undefined, { ...more, guards: other.guards });
  await expect(lost.run('worker-a', 2)).rejects.toThrow('killed');
  await lost.run('worker-b');
  expect(undoCosts(lost.log)).toEqual([
    ['0.02', 'lost'],
    ['0.02', 'settled'],
    ['0.02', 'settled'],
  ]);
  expect(other.counted).toEqual(spentIn(lost.log));
  // Nobody knows what came of the first.
  expect(other.settled.size).toBe(other.counted.size - 1);
});

test('what the money of the day does not allow is not undone: the fork is halted, and one that was lost before stays unknown', async () => {
  for (const lost of [false, true]) {
    const denied = { code: 'agent-budget' as const, message: 'the day is spent' };
    let tried = 0;
    let spent = !lost;
    const { guards, settled } = ledgerOf(({ usd }) => (spent && usd === '0.02' ? denied : null));
    const more = { takesIdempotencyKey: true, compensateUsd: '0.02', guards };
    const fork = await forkOf(async () => {
      tried += 1;
    }, more);
    if (lost) await expect(fork.run('worker-a', 2)).rejects.toThrow('killed');
    spent = true;
    await fork.run('worker-b');
    expect(tried).toBe(lost ? 1 : 0);
    expect(fork.outcomes()).toEqual([lost ? 'effect-unknown' : 'agent-budget']);
    expect(fork.end()).toBe('agent-budget');
    expect(undoCosts(fork.log)).toEqual([...(lost ? [['0.02', 'lost']] : []), ['0', 'settled']]);
    expect(settled.size).toBe(0);
  }
});

test('an undoing whose worker was told to let go before the call is not begun, costs nothing, and is made by the next (I3)', async () => {
  for (const compensateUsd of [undefined, '0.02']) {
    const stopping = new AbortController();
    const undone: string[] = [];
    const { guards, settled, counted } = ledgerOf(({ costId }) => {
      if (costId.endsWith(':undo')) stopping.abort();
      return null;
    });
    const fork = await forkOf(
      async (_input, _output, { idempotencyKey }) => {
        undone.push(idempotencyKey);
      },
      { guards, ...(compensateUsd === undefined ? {} : { compensateUsd }) },
    );
    // One without a price is told while its intent is on its way to the log.
    fork.onAppend((event) => compensateUsd === undefined && event.name === 'undo' && stopping.abort());
    const run = fork.run('worker-a', undefined, stopping.signal);
    await expect(run).rejects.toMatchObject({ code: 'unavailable' });
    expect(undone).toEqual([]);
    expect(fork.outcomes()).toEqual(['stopped']);
    await fork.run('worker-b');
    expect(undone).toEqual(fork.keys);
    expect(fork.outcomes()).toEqual(['stopped', null, null]);
    expect(fork.end()).toBe('completed');
    if (compensateUsd === undefined) continue;
    expect(undoCosts(fork.log)).toEqual([
      ['0', 'settled'],
      ['0.02', 'settled'],
      ['0.02', 'settled'],
    ]);
    expect(settled).toEqual(spentIn(fork.log));
    expect(counted).toEqual(settled);
  }
});

test('one that was not begun and of which the journal is not told stays reserved, and is left to a person', async () => {
  const stopping = new AbortController();
  const { guards, settled } = ledgerOf(() => {
    stopping.abort();
    return null;
  });
  const fork = await forkOf(async () => undefined, { compensateUsd: '0.02', guards });
  await expect(fork.run('worker-a', 2, stopping.signal)).rejects.toThrow('the worker stopped');
  expect(settled.size).toBe(0);
});

test('what would pass the cap is not undone: the fork is halted', async () => {
  let tried = 0;
  const fork = await forkOf(
    async () => {
      tried += 1;
    },
    { compensateUsd: '1000' },
  );
  await fork.run('worker-a');
  expect(tried).toBe(0);
  expect(fork.outcomes()).toEqual([]);
  expect(fork.end()).toBe('money-cap');
});

test('of one that was lost and would pass the cap the second time nobody knows: it is told before the fork is halted', async () => {
  let tried = 0;
  const fork = await forkOf(
    async () => {
      tried += 1;
    },
    { takesIdempotencyKey: true, compensateUsd: '3' },
  );
  await expect(fork.run('worker-a', 2)).rejects.toThrow('killed');
  await fork.run('worker-b');
  expect(tried).toBe(1);
  expect(fork.outcomes()).toEqual(['effect-unknown']);
  expect(fork.end()).toBe('money-cap');
});
