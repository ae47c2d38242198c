import fc from 'fast-check';
import { expect, test } from 'vitest';
import { recordedKindOf } from '../../../agents/replay/replay-events.ts';
import { INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import { applyEvent, foldEvents } from '../../../agents/runtime/fold-events.ts';
import { createJournalFold, type JournalFold } from '../../../agents/runtime/journal-fold.ts';
import {
  lostStateOf,
  MAX_SNAPSHOT_CHARACTERS,
  snapshotDraftOf,
  snapshotRecordOf,
  snapshotStateOf,
} from '../../../agents/runtime/snapshot.ts';
import { snapshotFactsOf, snapshotPlaceOf } from '../../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { eventOf } from '../../support/event-of.ts';
import { ACTS, EXECUTIONS, logOf, recordOf, stateOf } from './waiting-histories.ts';

const readFrom = (log: readonly AgentEvent[], from: number): JournalFold => {
  const fold = createJournalFold(from, () => undefined, log.length);
  for (let at = from; at < log.length; at += 1) fold.offer(at, log[at] ?? null);
  return fold;
};

test('whoever reads from a snapshot on comes to the state of whoever read all, in any history of workers that were believed dead (I2)', () => {
  let restored = 0;
  let late = 0;
  fc.assert(
    fc.property(ACTS, (acts) => {
      const log = logOf(acts);
      const all = readFrom(log, 0);
      for (const executionId of EXECUTIONS) {
        const whole = foldEvents(log.filter((event) => event.executionId === executionId));
        const known = all.execution(executionId);
        if (known?.order.hasInput === true && !whole.order.ended) expect(stateOf(known)).toEqual(whole);
        expect(all.isEnded(executionId)).toBe(whole.order.ended);
      }
      const pinned = all.pinnedAt(EXECUTIONS.length);
      for (let from = 1; from <= log.length; from += 1) {
        const fold = readFrom(log, from);
        // However late it begins, nothing that ended waits again, and what waits is in the state that it is in.
        for (const { taskOffset } of fold.waiting()) {
          const executionId = EXECUTIONS[taskOffset] ?? '';
          const whole = foldEvents(log.filter((event) => event.executionId === executionId));
          expect(whole.order.ended).toBe(false);
          expect({ from, state: stateOf(fold.execution(executionId)) }).toEqual({ from, state: whole });
          restored += 1;
        }
        // From where the commit says, nothing that waits is missed.
        if (from > pinned) continue;
        if (from > 0 && all.waiting().length > 0) late += 1;
        expect(fold.waiting().map(({ taskOffset }) => taskOffset)).toEqual(
          expect.arrayContaining(all.waiting().map(({ taskOffset }) => taskOffset)),
        );
      }
    }),
    { numRuns: 600 },
  );
  // Else it has asserted nothing.
  expect(restored).toBeGreaterThan(1_000);
  expect(late).toBeGreaterThan(1_000);
}, 240_000);

const STATES = ACTS.map((acts) =>
  foldEvents(logOf(acts).filter(({ executionId }) => executionId === 'execution-1')),
);

test('a state comes back from its snapshot bit by bit, with the record of its task', () => {
  fc.assert(
    fc.property(STATES, fc.nat(), (state, from) => {
      const record = recordOf('execution-1');
      const draft = snapshotDraftOf(record, from, state);
      const event = eventOf({ ...draft, type: 'checkpoint' });
      expect(snapshotStateOf(event)).toEqual(state);
      expect(snapshotPlaceOf(event)?.from).toBe(from);
      expect(snapshotRecordOf(event)).toEqual(record);
      // It changes nothing but who was heard of last, and is no decision.
      expect(recordedKindOf(state, event)).toBeNull();
      const { order, claims } = state;
      expect({ ...applyEvent(state, event), order, claims }).toEqual(state);
    }),
    { numRuns: 300 },
  );
});

test('what a snapshot handed over is known without its content; what is no list is nothing', () => {
  const call = { id: 'call-1', name: 'ask_expert', arguments: { input: 'how?' } };
  const subtasks = [{ taskId: 'execution-1:3', step: 3, call }];
  const draft = snapshotDraftOf(recordOf('execution-1'), 0, { ...INITIAL_STATE, subtasks });
  const event = eventOf({ ...draft, type: 'checkpoint', executionId: 'execution-1', output: null });
  expect(lostStateOf(event).subtasks).toMatchObject([
    { taskId: 'execution-1:3', step: 3, call: { name: 'ask_expert' } },
  ]);
  const wrong = JSON.stringify({ from: 0, order: INITIAL_STATE.order, subtasks: 'none' });
  expect(lostStateOf({ ...event, input: wrong })).toEqual(INITIAL_STATE);
  const items = JSON.stringify({
    from: 0,
    order: INITIAL_STATE.order,
    subtasks: [null, 3, {}, { step: '3', name: 'a' }, { step: 4, name: 'ask_expert' }],
  });
  expect(lostStateOf({ ...event, input: items }).subtasks).toMatchObject([{ step: 4 }]);
});

test('what is too large for a snapshot keeps its place in the log; what is none is not taken for one', () => {
  const long = { ...INITIAL_STATE, recollection: 'x'.repeat(MAX_SNAPSHOT_CHARACTERS) };
  expect(snapshotDraftOf(recordOf('execution-1'), 0, long)).toBeNull();
  for (const text of [null, '', '{', '[]', '{"state":{}}', '{"task":{"timestamp":1},"state":{"order":{}}}'])
    expect(snapshotStateOf({ output: text })).toBeNull();
  const event = eventOf({
    ...snapshotDraftOf(recordOf('execution-1'), 3, INITIAL_STATE),
    type: 'checkpoint',
  });
  for (const input of [null, '', '[]', '{"from":"3"}', '{"from":3,"order":null}'])
    expect(snapshotPlaceOf({ ...event, input })).toBeNull();
  expect(snapshotPlaceOf({ ...event, task: null })).toBeNull();
});

const COST = {
  ...{ costId: 'e:1:1', step: 1, model: 'large', tool: null, usd: '0.5', priceTable: 'p' },
  usage: { inputTokens: 1, outputTokens: 2, cachedInputTokens: 0 },
  ...{ state: 'settled', failed: false, at: 5 },
};

test.each<[string, unknown]>([
  ['costs', [1]],
  ['costs', [['e:1:1', null]]],
  ['costs', [['e:1:1', { ...COST, usd: 'much' }]]],
  ['costs', [['e:1:1', { ...COST, step: 1.5 }]]],
  ['costs', [['e:1:1', { ...COST, usage: {} }]]],
  ['results', null],
  ['messages', {}],
  ['phase', 'ready'],
  ['order', []],
])('a state whose %s are %j is none: whoever restores it goes on without', (name, said) => {
  const draft = snapshotDraftOf(recordOf('execution-1'), 0, INITIAL_STATE);
  const { task, state } = JSON.parse(draft?.output ?? '');
  const textOf = (fields: object): string => JSON.stringify({ task, state: { ...state, ...fields } });
  const sound = textOf({ costs: [['e:1:1', COST]] });
  expect([...(snapshotStateOf({ output: sound })?.costs.values() ?? [])]).toEqual([COST]);
  expect([...(snapshotFactsOf({ output: sound })?.costs.values() ?? [])]).toEqual([COST]);
  const output = textOf({ [name]: said });
  expect(snapshotStateOf({ output })).toBeNull();
  if (name === 'costs') expect(snapshotFactsOf({ output })).toBeNull();
});

test('times of a snapshot that no record can hold are not known', () => {
  const draft = snapshotDraftOf(recordOf('execution-1'), 0, INITIAL_STATE);
  const { task, state } = JSON.parse(draft?.output ?? '');
  const output = JSON.stringify({ task, state: { ...state, input: { createdAt: 1.5 }, startedAt: 1e300 } });
  expect(snapshotFactsOf({ output })).toMatchObject({ feature: null, createdAt: 0, startedAt: 0 });
});

test.each([{ timestamp: 1.5 }, { key: 5 }, { value: {} }, { headers: null }, { headers: { a: 5 } }])(
  'the task of a snapshot that says %j is lost, and whoever restores it goes on',
  (said) => {
    const draft = snapshotDraftOf(recordOf('execution-1'), 0, INITIAL_STATE);
    const event = eventOf({ ...draft, type: 'checkpoint' });
    const { task, state } = JSON.parse(event.output ?? '');
    expect(snapshotRecordOf(event)).not.toBeNull();
    const output = JSON.stringify({ task: { ...task, ...said }, state });
    expect(snapshotRecordOf({ ...event, output })).toBeNull();
  },
);
