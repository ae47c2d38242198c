import { expect, test } from 'vitest';
import { approvalVerdict } from '../../agents/safety/approval-state.ts';
import { APPROVAL_ASKED, approvalRequestOf } from '../../schemas/approval-request.ts';
import { type ControlSignal, signalOf, signalRecord } from '../../schemas/control-signals.ts';
import { createControlView } from '../../schemas/control-view.ts';
import type { Rollout } from '../../schemas/rollout.ts';

const ROLLOUT: Rollout = {
  ...{ agent: 'support', began: 5, stable: '1', candidate: '2-b/c', share: 0.05, state: 'canary' },
};
const HASH = 'a'.repeat(64);
const OTHER = 'b'.repeat(64);
const asked = { by: 'ann', reason: 'because', at: 1_000 };
const SUBJECT = { executionId: 'execution-1', step: 3, argumentsHash: HASH };
const SIGNALS: readonly ControlSignal[] = [
  { ...asked, kind: 'cancel', executionId: 'execution-1', taskId: 'task-1' },
  { ...asked, kind: 'approval', subject: SUBJECT, taskId: 'task-1', decision: 'approve' },
  { ...asked, kind: 'kill', agent: 'support', tenant: null },
  { ...asked, kind: 'kill', agent: 'support', tenant: 'a/b' },
  { ...asked, kind: 'revive', agent: null, tenant: 'a/b' },
  { ...asked, kind: 'budget', of: 'tenant', name: 'a/b', usdPerDay: '1.50' },
  { ...asked, kind: 'budget', of: 'agent', name: 'support', usdPerDay: null },
  { ...asked, kind: 'behaviour', rollout: ROLLOUT },
  { ...asked, kind: 'behaviour', rollout: { ...ROLLOUT, agent: 'digest', share: 1, state: 'promoted' } },
  { ...asked, kind: 'behaviour', rollout: { ...ROLLOUT, agent: 'triage', share: 0, state: 'rolled-back' } },
];

const viewOf = (...signals: readonly ControlSignal[]) => {
  const view = createControlView();
  for (const signal of signals) view.apply(signalRecord(signal, 'id').control);
  return view;
};

test('a signal comes back from its record, under a key of its own', () => {
  expect(SIGNALS.map((signal) => signalOf(signalRecord(signal, 'id').control))).toEqual(SIGNALS);
  expect(new Set(SIGNALS.map((signal) => signalRecord(signal, 'id').key)).size).toBe(SIGNALS.length);
});

test('a kill holds for the agent, the tenant or the two, until it is revived', () => {
  const kill = (agent: string | null, tenant: string | null): ControlSignal => ({
    ...asked,
    kind: 'kill',
    agent,
    tenant,
  });
  expect(viewOf(kill('support', null)).isKilled('support', 'acme')).toBe(true);
  expect(viewOf(kill('support', null)).isKilled('triage', 'acme')).toBe(false);
  expect(viewOf(kill(null, 'acme')).isKilled('triage', 'acme')).toBe(true);
  const both = viewOf(kill('support', 'acme'));
  expect([
    both.isKilled('support', 'acme'),
    both.isKilled('support', 'beta'),
    both.isKilled('triage', 'acme'),
  ]).toEqual([true, false, false]);
  both.apply(signalRecord({ ...kill('support', 'acme'), kind: 'revive' } as ControlSignal, 'id').control);
  expect(both.isKilled('support', 'acme')).toBe(false);
  // A revival of the agent leaves the kill of the tenant.
  const two = viewOf(kill(null, 'acme'), kill('support', null));
  two.apply(signalRecord({ ...kill('support', null), kind: 'revive' } as ControlSignal, 'id').control);
  expect(two.isKilled('support', 'acme')).toBe(true);
});

test('signals of an execution are found by it, until they are removed', () => {
  const view = viewOf(...SIGNALS);
  expect(view.signalsOf('execution-1').cancel?.by).toBe('ann');
  expect(view.signalsOf('execution-1').approvals.map(({ decision }) => decision)).toEqual(['approve']);
  // A task id is its sender's choice: called like another tenant's execution, it stops its own alone.
  expect(view.signalsOf('task-1')).toEqual({ cancel: null, approvals: [] });
  expect(view.outdated(1_000)).toEqual([]);
  for (const key of view.outdated(1_001)) view.remove(key);
  expect(view.signalsOf('execution-1')).toEqual({ cancel: null, approvals: [] });
  expect(view.isKilled('support', 'acme')).toBe(true);
});

test('a budget that was set goes before the one of the definition', () => {
  const defaults = { agent: '5', tenant: null };
  expect(viewOf(...SIGNALS).limitsOf('support', 'a/b', defaults)).toEqual({
    agentUsd: '5',
    tenantUsd: '1.50',
  });
  expect(viewOf().limitsOf('support', 'a/b', defaults)).toEqual({ agentUsd: '5', tenantUsd: null });
});

test('of two rollouts the later begun holds, in whatever order they were written, and the earlier is outdated', () => {
  const said = (over: Partial<Rollout>): ControlSignal => ({
    ...{ ...asked, kind: 'behaviour', rollout: { ...ROLLOUT, ...over } },
  });
  const view = viewOf(said({}), said({ began: 9, candidate: '3' }), said({ state: 'rolled-back', share: 0 }));
  expect(view.rolloutOf('support')?.rollout).toMatchObject({ began: 9, candidate: '3', state: 'canary' });
  expect(view.outdated(0)).toEqual(['behaviour:support/5']);
  view.apply(signalRecord(said({ began: 9, candidate: '3', share: 0.5 }), 'id').control);
  expect(view.rolloutOf('support')?.rollout.share).toBe(0.5);
  view.remove('behaviour:support/9');
  expect(view.rolloutOf('support')?.rollout).toMatchObject({ began: 5, state: 'rolled-back' });
  view.clear();
  expect(view.rolloutOf('support')).toBeUndefined();
});

test.each([{ share: '1.5' }, { share: 'NaN' }, { candidate: '' }])(
  'a record of a rollout that cannot be read is none: %o',
  (values) => {
    const { control } = signalRecord({ ...asked, kind: 'behaviour', rollout: ROLLOUT }, 'id');
    expect(signalOf({ ...control, values: { ...control.values, ...values } })).toBeUndefined();
    expect(signalOf({ ...control, action: 'cutover' })).toBeUndefined();
  },
);

test('an approval is good for the very arguments and step, and until the deadline', () => {
  const request = { ...SUBJECT, deadlineAt: 2_000 };
  const decided = (over: Partial<Extract<ControlSignal, { kind: 'approval' }>>) => ({
    ...asked,
    kind: 'approval' as const,
    subject: SUBJECT,
    taskId: 'task-1',
    decision: 'approve' as const,
    ...over,
  });
  const kindOf = (decision: ReturnType<typeof decided> | undefined, now: number): string =>
    approvalVerdict(request, decision, now).kind;
  expect(kindOf(undefined, 2_000)).toBe('waiting');
  expect(kindOf(undefined, 2_001)).toBe('expired');
  expect(kindOf(decided({}), 5_000)).toBe('approved');
  expect(kindOf(decided({ decision: 'deny' }), 1_500)).toBe('denied');
  expect(kindOf(decided({ at: 2_001 }), 5_000)).toBe('expired');
  for (const over of [{ argumentsHash: OTHER }, { step: 4 }, { executionId: 'execution-2' }])
    expect(kindOf(decided({ subject: { ...SUBJECT, ...over } }), 1_500)).toBe('waiting');
  const view = viewOf(decided({}));
  expect(view.approvalOf(SUBJECT)?.decision).toBe('approve');
  expect(view.approvalOf({ ...SUBJECT, argumentsHash: OTHER })).toBeUndefined();
});

test('a request for approval comes back from its checkpoint; other events are none', () => {
  const request = { ...SUBJECT, tool: 'refund', arguments: { usd: '5' }, deadlineAt: 2_000 };
  const event = {
    ...({ executionId: 'execution-1', type: 'checkpoint', step: 3, name: APPROVAL_ASKED } as const),
    input: JSON.stringify(request.arguments),
    output: JSON.stringify({ tool: 'refund', argumentsHash: HASH, until: 2_000 }),
  };
  expect(approvalRequestOf(event)).toEqual(request);
  expect(approvalRequestOf({ ...event, name: 'retry' })).toBeUndefined();
  expect(approvalRequestOf({ ...event, input: '{' })).toBeUndefined();
  expect(approvalRequestOf({ ...event, output: '{}' })).toBeUndefined();
});
