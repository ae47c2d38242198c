/** Calls that had not ended where a fork begins: asked for, approved or handed over, and what is taken over of them. */
import { expect, test } from 'vitest';
import { compensationsOf } from '../../../agents/replay/compensations.ts';
import { forkedEvents } from '../../../agents/replay/fork-events.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { eventOf } from '../../support/event-of.ts';
import { AGENT } from './recorded-executions.ts';

type Said = Partial<AgentEvent> & Pick<AgentEvent, 'type'>;

/** From the claim on, each behind the one before. */
const journalOf = (events: readonly Said[], executionId = 'execution-1') => [
  eventOf({
    type: 'user-input',
    executionId,
    epoch: 0,
    input: JSON.stringify({ text: 'Why?', createdAt: 1 }),
  }),
  ...[{ type: 'claim' as const }, ...events].map((event, sequence) =>
    eventOf({ ...event, executionId, sequence }),
  ),
];
/** As the worker that claims it journals it. */
const begun = (origin: readonly AgentEvent[], step: number) => {
  const { drafts, step: takenOver } = forkedEvents(origin, step, 'execution-fork');
  return { state: foldEvents(journalOf(drafts, 'execution-fork')), takenOver };
};

const asking = (...names: readonly string[]): readonly Said[] => [
  { type: 'intent', step: 1, name: 'm', reservedUsd: '0.5' },
  {
    ...{ type: 'llm-response', step: 1, name: 'm', costUsd: '0.1' },
    output: JSON.stringify({ text: '', toolCalls: names.map((name) => ({ id: name, name, arguments: {} })) }),
  },
];
const approved = (tool: string, step: number): readonly Said[] => [
  {
    ...{ type: 'checkpoint', step, name: 'approval-asked', input: '{}' },
    output: JSON.stringify({ tool, argumentsHash: 'h', until: 2e15 }),
  },
  { type: 'checkpoint', step, name: 'approval-given', output: '{}' },
];
const called = (step: number, outcome: Partial<AgentEvent> | null): readonly Said[] => {
  const call = { step, name: 'change', idempotencyKey: `execution-1:${step}` };
  return [
    { type: 'intent', ...call },
    ...(outcome ? [{ type: 'tool-call' as const, ...call, ...outcome }] : []),
  ];
};
const delegated = (name: string, step: number) => ({
  ...{ step, name, priceTable: 'delegated', idempotencyKey: `execution-1:${step}` },
});
const handed = (name: string, step: number): Said => ({
  ...{ type: 'intent', reservedUsd: '0.2' },
  ...delegated(name, step),
});
const ended = (name: string, step: number): Said => ({
  ...{ type: 'tool-call', output: '"so"', costUsd: '0.15' },
  ...delegated(name, step),
});
const UNKNOWN = { code: 'effect-unknown', message: 'stopped while it was under way', retryable: false };
const namesOf = (state: ReturnType<typeof foldEvents>) =>
  state.phase.kind === 'tools' ? state.phase.calls.map(({ name }) => name) : state.phase.kind;

test('an effect of which nobody knows is not taken over: it is told as unknown, and its approval is asked for again', () => {
  const origin = journalOf([
    ...asking('change'),
    ...approved('change', 2),
    ...called(3, { type: 'error', error: UNKNOWN }),
  ]);
  const { state, takenOver } = begun(origin, 3);
  expect(state.phase).toMatchObject({ kind: 'tools', approved: false });
  expect(takenOver).toBe(1);
  expect(compensationsOf(origin, takenOver, AGENT)).toMatchObject([
    { step: 3, tool: 'change', kind: 'unknown', idempotencyKey: 'execution-1:3:undo' },
  ]);
});

test('an effect that was made again after its outcome was unknown is taken over with what came of it', () => {
  const origin = journalOf([
    ...asking('change'),
    ...called(2, { type: 'error', error: UNKNOWN }),
    ...called(2, { output: '1' }),
  ]);
  const { state, takenOver } = begun(origin, 2);
  expect(state.results).toMatchObject([{ name: 'change', output: 1 }]);
  expect(takenOver).toBe(2);
});

test('an approved sub-task that had not ended is not handed over again before a person approves it again', () => {
  const origin = journalOf([...asking('digest', 'change'), ...approved('digest', 2), handed('digest', 3)]);
  const { state, takenOver } = begun(origin, 3);
  expect(state.subtasks).toEqual([]);
  expect(state.phase).toMatchObject({ kind: 'tools', approved: false });
  expect([namesOf(state), takenOver]).toEqual([['digest', 'change'], 1]);
});

test('nor is what came behind it in the same reply: that is listed as after the step', () => {
  const origin = journalOf([
    ...asking('digest', 'change'),
    ...approved('digest', 2),
    handed('digest', 3),
    ...called(4, { output: '1' }),
  ]);
  const { state, takenOver } = begun(origin, 4);
  expect([namesOf(state), state.subtasks, takenOver]).toEqual([['digest', 'change'], [], 1]);
  expect(compensationsOf(origin, takenOver, AGENT)).toMatchObject([{ step: 4, tool: 'change' }]);
  // Two that were approved, one after the other.
  const both = journalOf([
    ...asking('digest', 'digest'),
    ...approved('digest', 2),
    handed('digest', 3),
    ...approved('digest', 4),
    handed('digest', 5),
  ]);
  expect(begun(both, 5)).toMatchObject({ takenOver: 1, state: { subtasks: [] } });
});

test('an approved sub-task that had ended is taken over with its answer; so is one from before an open approval', () => {
  const approvedOne = journalOf([
    ...asking('digest', 'change'),
    ...approved('digest', 2),
    handed('digest', 3),
    ended('digest', 3),
  ]);
  const before = journalOf([
    ...asking('digest', 'change'),
    handed('digest', 2),
    ...approved('change', 3),
    ended('digest', 2),
  ]);
  for (const origin of [approvedOne, before]) {
    const { state } = begun(origin, 3);
    expect(state.results).toMatchObject([{ name: 'digest', output: 'so' }]);
    expect([namesOf(state), state.subtasks]).toEqual([['change'], []]);
    expect(state.phase).toMatchObject({ approved: false });
  }
});
