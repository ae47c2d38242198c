import fc from 'fast-check';
import { expect, test } from 'vitest';
import { INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import { createApprovalList } from '../../../gateway/read-models/approval-list.ts';
import { newEntry, withEvent } from '../../../gateway/read-models/execution-entry.ts';
import { createExecutionList } from '../../../gateway/read-models/execution-list.ts';
import { checkOf, createHaltList } from '../../../gateway/read-models/halt-list.ts';
import { createRefusalList } from '../../../gateway/read-models/refusal-list.ts';
import { safetyViewOf } from '../../../gateway/views/safety-view.ts';
import { APPROVAL_ASKED } from '../../../schemas/approval-request.ts';
import { type ControlSignal, signalRecord } from '../../../schemas/control-signals.ts';
import { createControlView } from '../../../schemas/control-view.ts';
import { SNAPSHOT } from '../../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { RECORDINGS, recordExecution } from '../../agents/replay/recorded-executions.ts';
import { eventOf } from '../../support/event-of.ts';

/** Of an execution that waits for approval at step 2, as its worker journals it whole. */
const whole = (task: string, from: number, sequence: number, worker = 'worker-a'): AgentEvent =>
  eventOf({
    ...{ ...ids(task), type: 'checkpoint', name: SNAPSHOT, step: 2, worker, sequence: sequence + 1 },
    task: { topic: 'freshet.tasks', partition: 3, offset: 1 },
    input: JSON.stringify({ from, order: { epoch: 1, worker, sequence, hasInput: true, ended: false } }),
    output: JSON.stringify({
      task: { timestamp: 0, key: null, value: null, headers: {} },
      state: {
        ...{
          ...INITIAL_STATE,
          costs: [],
          order: { epoch: 1, worker, sequence, hasInput: true, ended: false },
        },
        phase: {
          ...{ kind: 'awaiting-approval', step: 2, argumentsHash: 'a'.repeat(64), since: 5, until: 9_000 },
          calls: [{ id: 'c1', name: 'refund', arguments: { order: 7 } }],
        },
      },
    }),
  });

const NO_BREAKERS = { known: true, all: [] };
/** Numbers the events of hand-made logs as a worker does. */
const numbered = (log: readonly AgentEvent[]): readonly AgentEvent[] => {
  let sequence = 0;
  return log.map((event) => {
    sequence = event.type === 'claim' ? 0 : sequence + 1;
    return { ...event, sequence };
  });
};
const folded = (logs: readonly (readonly AgentEvent[])[], limits?: Parameters<typeof createHaltList>[0]) => {
  const models = {
    halts: createHaltList(limits),
    refusals: createRefusalList(),
    approvals: createApprovalList(),
    control: createControlView(),
  };
  for (const log of logs) {
    let entry = newEntry(log[0]?.taskId ?? '');
    for (const [offset, event] of log.entries()) {
      const after = withEvent(entry, event, { partition: 3, offset });
      entry = after.entry;
      if (!after.counts) continue;
      models.halts.event(event, entry, { partition: 3, offset });
      models.refusals.event(event);
      models.approvals.event(event);
    }
  }
  return models;
};
const made = (logs: readonly (readonly AgentEvent[])[], limits?: Parameters<typeof createHaltList>[0]) =>
  folded(logs.map(numbered), limits);
const ids = (task: string) => ({ taskId: task, executionId: `execution-of-${task}` });
const error = (code: string, message = 'because') => ({ code, message, retryable: false });
const ended = (task: string, code: string, at: number): Partial<AgentEvent> & { type: 'response' } => ({
  ...ids(task),
  type: 'response',
  step: 4,
  at,
  error: error(code, `it was ${code}`),
  output: JSON.stringify({
    outcome: 'halted',
    output: null,
    partial: null,
    receipt: null,
    steps: 3,
    startedAt: 1,
  }),
});
const asks = (task: string, step: number, until: number): Partial<AgentEvent> & { type: 'checkpoint' } => ({
  ...ids(task),
  ...{ type: 'checkpoint', step, name: APPROVAL_ASKED, input: '{"order":7}' },
  output: JSON.stringify({ tool: 'refund', argumentsHash: 'a'.repeat(64), until }),
});
const begins = (task: string): AgentEvent[] => [
  eventOf({ type: 'user-input', ...ids(task), epoch: 0 }),
  eventOf({ type: 'claim', ...ids(task) }),
];

test('of any executions: each that a check ended is listed once, with that check and its last steps, and no other is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(RECORDINGS, { minLength: 1, maxLength: 6 }), async (recordings) => {
      const logs = await Promise.all(
        recordings.map((recording, index) => recordExecution(`task-${index}`, recording)),
      );
      const { halts, refusals } = folded(logs);
      const { items, held, groups } = halts.list(100);
      const codes = logs
        .flatMap((log) => log.at(-1)?.error?.code ?? [])
        .filter((code) => checkOf(code) !== null);
      expect(items.map(({ code }) => code).sort()).toEqual(codes.sort());
      expect([held, groups.reduce((sum, { count }) => sum + count, 0)]).toEqual([codes.length, codes.length]);
      for (const { taskId, reason, before, step } of items) {
        const log = logs.find(([first]) => first?.taskId === taskId) ?? [];
        expect(reason).toBe(log.at(-1)?.error?.message);
        expect(before.length).toBeLessThanOrEqual(6);
        const steps = before.map((each) => each.step);
        expect(new Set(steps).size).toBe(steps.length);
        for (const each of steps) expect(each).toBeLessThanOrEqual(step);
      }
      // The scripted models ask for a tool that is not there.
      const refused = logs.flat().filter((event) => event.error?.code === 'unknown-tool');
      const counted = refusals.list(100).items.filter(({ code }) => code === 'unknown-tool');
      expect(counted.reduce((sum, { count }) => sum + count, 0)).toBe(refused.length);
    }),
    { numRuns: 60 },
  );
}, 60_000);

test('a halt tells the check, the step and what was asked last; ends of other kinds are none', () => {
  const call = (step: number) =>
    ({ ...ids('t1'), type: 'tool-call', step, name: 'search', input: '{"query":"x"}' }) as const;
  const models = made([
    [
      ...begins('t1'),
      eventOf({
        ...ids('t1'),
        type: 'intent',
        step: 1,
        name: 'small',
        input: '{"bounds":{"inputTokens":1}}',
        reservedUsd: '1',
      }),
      eventOf({ ...ids('t1'), type: 'llm-response', step: 1, name: 'small' }),
      eventOf(call(2)),
      eventOf({ ...call(3), error: error('timeout') }),
      eventOf(ended('t1', 'loop', 20)),
    ],
    [...begins('t2'), eventOf(ended('t2', 'model-failed', 30))],
    [...begins('t3'), eventOf(ended('t3', 'effect-unknown', 40))],
  ]);
  expect(models.halts.list(10).items).toMatchObject([
    { taskId: 't3', check: 'effect', before: [] },
    {
      ...{
        taskId: 't1',
        check: 'loop',
        code: 'loop',
        reason: 'it was loop',
        step: 3,
        at: 20,
        partition: 3,
        offset: 6,
      },
      before: [
        { step: 1, name: 'small', input: null, error: null },
        { step: 2, name: 'search', input: '{"query":"x"}', error: null },
        { step: 3, name: 'search', error: 'timeout' },
      ],
    },
  ]);
  expect(models.halts.list(10, { tenant: 'other' }).held).toBe(0);
  expect(models.halts.list(10, { agent: 'support' }).held).toBe(2);
});

test('nothing grows without bound: the oldest halts go, and a flood of refusals is one line with its count', () => {
  const models = made(
    Array.from({ length: 30 }, (_, index) => [
      ...begins(`t${index}`),
      eventOf(ended(`t${index}`, 'killed', index)),
    ]),
    { held: 10, open: 5 },
  );
  expect(models.halts.list(100).items.map(({ at }) => at)).toEqual([29, 28, 27, 26, 25, 24, 23, 22, 21, 20]);
  for (let at = 1; at <= 5_000; at += 1)
    models.refusals.intake({ agent: 'support', tenant: 'loud', reason: `refusal ${at}`, at });
  expect(models.refusals.list(10)).toEqual({
    held: 1,
    items: [
      {
        ...{ by: 'intake', code: 'too-many-requests', agent: 'support', tenant: 'loud', name: null },
        ...{ count: 5_000, firstAt: 1, lastAt: 5_000, reason: 'refusal 5000', executionId: null, step: null },
      },
    ],
  });
});

test('an action waits from when it is asked for until it is decided, void, or its execution ended', () => {
  const now = 1_000;
  const log = [...begins('t1'), eventOf(asks('t1', 2, 9_000))];
  const waitingOf = (models: ReturnType<typeof folded>, at = now) =>
    safetyViewOf(models, NO_BREAKERS, { tenant: null, limit: 10 }, at).approvals;
  const models = made([log]);
  expect(waitingOf(models)).toMatchObject([
    { taskId: 't1', step: 2, tool: 'refund', arguments: { order: 7 } },
  ]);
  expect(waitingOf(models, 9_001)).toEqual([]);
  const two = made([log, [...begins('t2'), eventOf(asks('t2', 2, 9_500))]]);
  const first = safetyViewOf(two, NO_BREAKERS, { tenant: null, limit: 1 }, now);
  expect([first.approvals.map(({ taskId }) => taskId), first.approvalsHeld]).toEqual([['t1'], 2]);
  expect(safetyViewOf(two, NO_BREAKERS, { tenant: null, limit: 1 }, 9_001).approvalsHeld).toBe(1);
  expect(safetyViewOf(models, NO_BREAKERS, { tenant: 'other', limit: 10 }, now).approvals).toEqual([]);

  // Decided by a person, and not yet heard by the worker; what is decided of other arguments decides nothing.
  const decide = (argumentsHash: string): void => {
    const signal: ControlSignal = {
      ...{ kind: 'approval', taskId: 't1', decision: 'approve', by: 'local', reason: null, at: now },
      subject: { executionId: ids('t1').executionId, step: 2, argumentsHash },
    };
    models.control.apply(signalRecord(signal, 'c1').control);
  };
  decide('b'.repeat(64));
  expect(waitingOf(models)).toHaveLength(1);
  decide('a'.repeat(64));
  expect(waitingOf(models)).toEqual([]);

  for (const after of [
    eventOf({ ...ids('t1'), type: 'checkpoint', name: 'approval-given', step: 2 }),
    eventOf({ ...ids('t1'), type: 'error', step: 2, name: 'refund', error: error('approval-denied') }),
    eventOf({ ...ids('t1'), type: 'error', step: 3, name: 'refund', error: error('approval-expired') }),
    eventOf(ended('t1', 'cancelled', 10)),
  ])
    expect(made([[...log, after]]).approvals.all()).toEqual([]);
  // A takeover, or a sub-task that ends meanwhile, decides nothing; asked again, the newest stands.
  const taken = eventOf({ ...ids('t1'), type: 'claim', epoch: 2 });
  const again = { ...eventOf(asks('t1', 4, 5_000)), epoch: 2 };
  expect(made([[...log, taken]]).approvals.all()).toHaveLength(1);
  expect(made([[...log, taken, again]]).approvals.all()).toMatchObject([{ step: 4, deadlineAt: 5_000 }]);
  const soonest = made([log, [...begins('t2'), eventOf(asks('t2', 1, 4_000))]]);
  expect(waitingOf(soonest).map(({ taskId }) => taskId)).toEqual(['t2', 't1']);
});

test('what was refused is named by who refused it', () => {
  const refuse = (code: string, type: 'error' | 'tool-call' = 'error') =>
    eventOf({ ...ids('t1'), type, step: 2, name: 'refund', error: error(code) });
  const { refusals } = made([
    [
      ...begins('t1'),
      ...['not-allowed', 'breaker-open', 'approval-denied', 'tenant-budget', 'timeout'].map((code) =>
        refuse(code),
      ),
      refuse('forbidden', 'tool-call'),
      refuse('not-allowed'),
    ],
  ]);
  expect(Object.fromEntries(refusals.list(10).items.map(({ by, count }) => [by, count]))).toEqual({
    ...{ capability: 2, breaker: 1, approval: 1, 'day-budget': 1, tool: 1 },
  });
});

test('what waits is known by a snapshot alone, where its state ends no earlier than what was read and no higher claim stands after that', () => {
  /** A journal of which everything from offset 30 on is read. */
  const readOf = (...log: readonly AgentEvent[]) => {
    const executions = createExecutionList();
    const approvals = createApprovalList();
    executions.addEvent(eventOf({ ...ids('other'), type: 'claim' }), { partition: 3, offset: 30 });
    for (const [at, event] of log.entries())
      if (executions.addEvent(event, { partition: 3, offset: 31 + at }).counts) approvals.event(event);
    return approvals.all();
  };
  const of = (part: Partial<AgentEvent> & Pick<AgentEvent, 'type'>) => eventOf({ ...ids('t1'), ...part });
  const waits = whole('t1', 30, 7);
  expect(readOf(waits)).toEqual([
    {
      ...{ ...ids('t1'), agent: 'support', tenant: 'acme', step: 2, tool: 'refund', arguments: { order: 7 } },
      ...{ argumentsHash: 'a'.repeat(64), deadlineAt: 9_000, askedAt: 5 },
    },
  ]);
  // Written again, taken over, or spoken of by one that was believed dead: it still waits.
  const taken = of({ type: 'claim', epoch: 2, worker: 'worker-b' });
  const stale = of({ type: 'error', step: 3, worker: 'worker-a', sequence: 9 });
  const lost = of({ type: 'claim', worker: 'worker-z' });
  expect(readOf(waits, whole('t1', 31, 8))).toHaveLength(1);
  expect(readOf(waits, taken, stale)).toHaveLength(1);
  expect(readOf(of({ type: 'user-input', epoch: 0 }), lost, waits)).toHaveLength(1);
  // Decided, or ended.
  const given = of({ type: 'checkpoint', name: 'approval-given', step: 2, sequence: 9 });
  expect(readOf(waits, given)).toEqual([]);
  expect(
    readOf(waits, taken, of({ type: 'response', step: 3, epoch: 2, worker: 'worker-b', sequence: 1 })),
  ).toEqual([]);
  // A worker that was believed dead, while another had claimed the execution and perhaps ended it.
  expect(readOf(whole('t1', 29, 7))).toEqual([]);
  expect(readOf(taken, waits)).toEqual([]);
  expect(readOf(taken, of({ type: 'response', epoch: 2, worker: 'worker-b', sequence: 1 }), waits)).toEqual(
    [],
  );
});
