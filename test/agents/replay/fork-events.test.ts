import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countingEvents, type Fork, forkedEvents } from '../../../agents/replay/fork-events.ts';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { openExecutionJournal } from '../../../agents/runtime/execution-journal.ts';
import { type ExecutionState, INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import { totalUsd } from '../../../schemas/execution-costs.ts';
import { parseUsd, priceOf } from '../../../schemas/money.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { eventOf } from '../../support/event-of.ts';
import { randomAgent, scriptedModel, TURNS, type Turn } from '../runtime/random-model.ts';
import { simulate } from '../runtime/simulated-journal.ts';
import { AGENT, RECORDINGS, recordExecution } from './recorded-executions.ts';

/** Journals a fork as the worker that claims it does: input, claim and terms, then what is taken over. */
const journaled = async (
  fork: Fork,
  origin: readonly AgentEvent[],
  executionId = 'execution-fork',
): Promise<readonly AgentEvent[]> => {
  const log: AgentEvent[] = [];
  const terms = origin.find((event) => event.type === 'request');
  let now = 1_800_000_000_000_000;
  const clock = (): number => {
    now += 1_000;
    return now;
  };
  const identity = {
    executionId,
    taskId: 'task-fork',
    agent: fork.agent,
    behaviour: AGENT.version,
    worker: 'worker-f',
    tenant: fork.tenant,
    sessionId: null,
  };
  const append = async (events: readonly AgentEvent[]): Promise<number> => log.push(...events) - 1;
  const journal = openExecutionJournal(
    { append, leave: async () => undefined },
    identity,
    1,
    INITIAL_STATE,
    clock,
  );
  await journal.write(
    { type: 'user-input', step: 0, input: JSON.stringify(fork.input) },
    { type: 'claim', step: 0 },
    ...(terms
      ? [
          {
            type: 'request',
            step: 0,
            name: terms.name,
            input: terms.input,
            inputHash: terms.inputHash,
          } as const,
        ]
      : []),
    ...fork.drafts,
  );
  return log;
};

const knownBy = ({ messages, passages, retrieved, input }: ExecutionState) => ({
  messages,
  passages,
  retrieved,
  text: input?.text,
});

test('a fork at any step of any execution knows what its origin knew there, spends nothing of it, and replays identically', async () => {
  await fc.assert(
    fc.asyncProperty(RECORDINGS, fc.nat(20), async (recording, pick) => {
      const origin = await recordExecution('task-a', recording);
      const counting = countingEvents(origin).filter((event) => event.type !== 'response');
      const last = counting.reduce((most, event) => Math.max(most, event.step), 0);
      const step = pick % (last + 1);
      const fork = forkedEvents(origin, step, 'execution-fork');
      expect(fork.origin).toBe(`${origin[0]?.executionId}:${step}`);
      const log = await journaled(fork, origin);
      const state = foldEvents(log);
      const before = foldEvents(
        countingEvents(origin).filter(
          (event) => event.type === 'user-input' || event.type === 'claim' || event.step <= step,
        ),
      );
      if (before.phase.kind !== 'ended') expect(knownBy(state)).toEqual(knownBy(before));
      expect(state.costs.size).toBe(0);
      expect(state.phase.kind).not.toBe('ended');
      const replay = replayRecorded(log, [AGENT]);
      expect(replay.decisions.filter((decision) => !decision.same)).toEqual([]);
      // Keys of effects stay the origin's: the fork did not have them.
      for (const draft of fork.drafts)
        if (draft.idempotencyKey)
          expect(draft.idempotencyKey.startsWith(origin[0]?.executionId ?? '?')).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test('a step that there is not, and an execution without its beginning, are refused', async () => {
  const origin = await recordExecution('task-a', { turns: [{ kind: 'text', text: 'A [1].' }], deaths: [] });
  expect(() => forkedEvents(origin, 99, 'e')).toThrow(/has the steps 0 to 2, not 99/);
  expect(() => forkedEvents(origin.slice(1), 1, 'e')).toThrow(/no input in the journal/);
});

test('a fork goes on live from any step: to an end, paying for its own calls alone, with no effect of its origin again', async () => {
  await fc.assert(
    fc.asyncProperty(
      RECORDINGS,
      fc.nat(20),
      fc.array(TURNS, { minLength: 1, maxLength: 5 }),
      async (recording, pick, turns) => {
        const origin = await recordExecution('task-a', recording);
        const last = origin.reduce(
          (most, { type, step }) => (type === 'response' ? most : Math.max(most, step)),
          0,
        );
        const fork = forkedEvents(origin, pick % (last + 1), 'execution-1');
        const effects: string[] = [];
        const agent = randomAgent(AGENT.limits, (key) => effects.push(key));
        const model = scriptedModel('first', turns);
        const taken = await journaled(fork, origin, 'execution-1');
        const simulation = simulate({ agent, models: [model], journaled: taken });
        await simulation.run('worker-g');
        expect(simulation.log.at(-1)?.type).toBe('response');
        const settled = [...foldEvents(simulation.log).costs.values()].filter(
          ({ state }) => state === 'settled',
        );
        const { input, output } = model.charged();
        const charged = priceOf({ inputTokens: input, outputTokens: output }, model.price);
        expect(settled.reduce((sum, { usd }) => sum + parseUsd(usd), 0n)).toBe(charged);
        // Of what was under way nobody knows: made again, it goes under the key of its first try.
        const tried = fork.drafts.filter(({ name }) => name === 'tried').map((each) => each.idempotencyKey);
        for (const key of effects)
          if (!tried.includes(key))
            expect(Number(key.replace('execution-1:', ''))).toBeGreaterThan(fork.step);
        const replay = replayRecorded(simulation.log, [agent]);
        expect(replay.decisions.filter((decision) => !decision.same)).toEqual([]);
      },
    ),
    { numRuns: 100 },
  );
});

/** From the claim on, each behind the one before. */
const journalOf = (...events: readonly (Partial<AgentEvent> & Pick<AgentEvent, 'type'>)[]) => [
  eventOf({ type: 'user-input', epoch: 0, input: JSON.stringify({ text: 'Why?', createdAt: 1 }) }),
  ...[{ type: 'claim' as const }, ...events].map((event, sequence) => eventOf({ ...event, sequence })),
];
const ASKS = JSON.stringify({
  text: '',
  toolCalls: [
    { id: 'a', name: 'digest', arguments: { input: 'all' } },
    { id: 'b', name: 'change', arguments: {} },
  ],
});
const MODEL = [
  { type: 'intent', step: 1, name: 'm', reservedUsd: '0.5' },
  { type: 'llm-response', step: 1, name: 'm', output: ASKS, costUsd: '0.1' },
] as const;
const HANDED = {
  type: 'intent',
  step: 2,
  name: 'digest',
  reservedUsd: '0.2',
  priceTable: 'delegated',
  idempotencyKey: 'execution-1:2',
} as const;

test('a sub-task that had not ended is handed over anew under the own name; one that had is taken over with its answer, for nothing', async () => {
  const heard = {
    type: 'tool-call',
    step: 2,
    name: 'digest',
    output: '"so"',
    costUsd: '0.15',
    priceTable: 'delegated',
    idempotencyKey: 'execution-1:2',
  } as const;
  const open = forkedEvents(journalOf(...MODEL, HANDED), 2, 'execution-fork');
  const waiting = foldEvents(await journaled(open, []));
  expect(waiting.subtasks).toMatchObject([{ taskId: 'execution-fork:2', step: 2 }]);
  expect(waiting.costs.get('execution-fork:2')).toMatchObject({ state: 'delegated', usd: '0.2' });
  const ended = forkedEvents(journalOf(...MODEL, HANDED, heard), 2, 'execution-fork');
  const known = foldEvents(await journaled(ended, []));
  expect(known.subtasks).toEqual([]);
  expect(known.messages.at(-1)).toMatchObject({
    role: 'tool',
    content: expect.stringContaining('(tool="digest", from="subtask")\n  "so"\n'),
  });
  expect(totalUsd(known.costs)).toBe(0n);
});

test('an approval whose call is not taken over is asked for again; a stop of the origin stops nothing', async () => {
  const asked = {
    type: 'checkpoint',
    step: 3,
    name: 'approval-asked',
    output: JSON.stringify({ tool: 'change', argumentsHash: 'h', until: 2e15 }),
  } as const;
  const given = { type: 'checkpoint', step: 3, name: 'approval-given', output: '{}' } as const;
  const stop = {
    type: 'checkpoint',
    step: 3,
    name: 'stop',
    error: { code: 'cancelled', message: 'by ann', retryable: false },
  } as const;
  const key = 'execution-1:4';
  const called = [
    { type: 'intent', step: 4, name: 'change', idempotencyKey: key },
    { type: 'tool-call', step: 4, name: 'change', output: '1', idempotencyKey: key },
  ] as const;
  for (const said of [[asked], [asked, given], [asked, stop]]) {
    const fork = forkedEvents(journalOf(...MODEL, HANDED, ...said), 3, 'execution-fork');
    const state = foldEvents(await journaled(fork, []));
    expect(state.phase).toMatchObject({ kind: 'tools', approved: false });
    expect(state.stop).toBeNull();
  }
  const whole = forkedEvents(journalOf(...MODEL, HANDED, asked, given, ...called), 4, 'execution-fork');
  const state = foldEvents(await journaled(whole, []));
  expect(state.phase.kind).toBe('ready');
  expect(state.results).toMatchObject([{ name: 'change', output: 1 }]);
});

test('a fork whose worker was lost while its journal was being written takes over the rest, and nothing twice', async () => {
  const turns: readonly Turn[] = [
    { kind: 'tools', names: ['look', 'change'] },
    { kind: 'failure', retryable: true, mayHaveCost: false },
    { kind: 'tools', names: ['change'] },
    { kind: 'text', text: 'Done [1].' },
  ];
  const origin = await recordExecution('task-a', { turns, deaths: [] });
  const last = countingEvents(origin).reduce(
    (most, { type, step }) => (type === 'response' ? most : Math.max(most, step)),
    0,
  );
  const taken = { agent: AGENT, fork: { origin, step: last } };
  const models = () => [scriptedModel('first', [{ kind: 'text', text: 'Done [1].' }])];
  const whole = simulate({ ...taken, models: models() });
  await whole.run('worker-a');
  const { drafts } = forkedEvents(origin, last, 'execution-1');
  const begun = whole.log.findIndex(({ at }) => at === drafts[0]?.at);
  expect(begun).toBeGreaterThan(1);
  const isOutcome = ({ type }: AgentEvent) =>
    type === 'llm-response' || type === 'tool-call' || type === 'error';
  let tornTwice = 0;
  for (let stood = 1; stood <= begun + drafts.length; stood += 1) {
    const again = simulate({ ...taken, models: models(), journaled: whole.log.slice(0, stood) });
    await again.run('worker-b');
    const counting = countingEvents(again.log);
    expect(counting.filter(isOutcome).length).toBe(countingEvents(whole.log).filter(isOutcome).length);
    expect(knownBy(foldEvents(again.log))).toEqual(knownBy(foldEvents(whole.log)));
    expect(replayRecorded(again.log, [AGENT]).decisions.filter(({ same }) => !same)).toEqual([]);
    // Lost once more, at the same place and under its second claim.
    const claimed = again.log.findIndex(({ type, epoch }) => type === 'claim' && epoch === 2);
    const torn = again.log.slice(0, claimed + 3);
    if (torn.some(({ type }) => type === 'response')) continue;
    tornTwice += 1;
    const third = simulate({ ...taken, models: models(), journaled: torn });
    await third.run('worker-c');
    expect(knownBy(foldEvents(third.log))).toEqual(knownBy(foldEvents(whole.log)));
  }
  expect(tornTwice).toBeGreaterThan(3);
});
