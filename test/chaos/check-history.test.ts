/** The check of a history finds each way in which an invariant can be broken, and nothing in a history that keeps them. */
import { expect, test } from 'vitest';
import { checkHistory } from './check-history.ts';
import type { EntryOf, HistoryEntry, JournaledEvent } from './history.ts';

const TASK = 'chaos-1';
/** As the gateway named it. */
const AS = 'task-1';
const DAY = '2026-11-22';
const KEY = 'execution-1:2';
let offset = 0;

const journaled = (event: Partial<JournaledEvent>): HistoryEntry => {
  offset += 1;
  return {
    kind: 'journal',
    partition: 0,
    offset,
    event: {
      ...{ executionId: 'execution-1', taskId: AS, epoch: 1, sequence: 0, type: 'claim', worker: 'a' },
      ...{ step: 0, name: null, idempotencyKey: null, sessionId: null, code: null, recalled: null },
      ...event,
    },
  };
};
const charged = (usd: string, lost = false): HistoryEntry => ({
  kind: 'charged',
  atMs: 2,
  taskId: TASK,
  usd,
  lost,
});
const cost = (costId: string, usd: string, of: Partial<EntryOf<'cost'>> = {}): HistoryEntry => ({
  ...{ kind: 'cost', taskId: AS, settled: true, agent: 'chaos', day: DAY },
  ...{ costId, usd },
  ...of,
});
const deed = (of: Partial<EntryOf<'deed'>> = {}): HistoryEntry => ({
  ...{ kind: 'deed', atMs: 3, taskId: TASK, number: 0, deed: 'post', key: KEY, applied: true },
  ...of,
});
const result = (of: Partial<EntryOf<'result'>> = {}): HistoryEntry => ({
  ...{ kind: 'result', taskId: AS, outcome: 'completed', code: null, costUsd: '0.02', digest: 'x' },
  ...of,
});

const TERMS: HistoryEntry = { kind: 'terms', seed: 1, plant: null, maxUsd: '0.5', dayUsd: '0.1' };
const ACKNOWLEDGED: HistoryEntry = {
  ...{ kind: 'acknowledged', atMs: 1, taskId: TASK, as: AS, agent: 'chaos', deeds: ['post'] },
  ...{ maxUsd: null, rollCall: false },
};
const CLAIM = journaled({});
const INTENT = journaled({ type: 'intent', sequence: 1, step: 2, idempotencyKey: KEY });
const RESPONSE = journaled({ type: 'response', sequence: 2, step: 3, name: 'completed' });
const JOURNAL = [CLAIM, INTENT, RESPONSE];
const COSTS = [charged('0.01'), charged('0.01'), cost('1', '0.01'), cost('2', '0.01')];
const shown = (of: Partial<EntryOf<'shown'>> = {}): HistoryEntry => ({
  ...{ kind: 'shown', taskId: AS, state: 'completed', code: null, costUsd: '0.02', claims: 1 },
  ...of,
});
const GOOD = [TERMS, ACKNOWLEDGED, ...COSTS, deed(), ...JOURNAL, result(), shown()];
const ofThrifty = { agent: 'thrifty', taskId: 'another' } as const;
const ledger = (of: Partial<EntryOf<'ledger'>>): HistoryEntry => ({
  ...{ kind: 'ledger', day: DAY, known: true, usd: '0' },
  ...of,
});

const violationsOf = (history: readonly HistoryEntry[]): readonly string[] =>
  checkHistory(history).flatMap(({ invariant, violations }) =>
    violations.map((each) => `${invariant} ${each}`),
  );
const without = (...entries: readonly HistoryEntry[]): readonly HistoryEntry[] =>
  GOOD.filter((entry) => !entries.includes(entry));

test('a history that keeps the invariants', () => {
  expect(violationsOf(GOOD)).toEqual([]);
});

test.each<[string, readonly HistoryEntry[], RegExp]>([
  ['no result', GOOD.filter(({ kind }) => kind !== 'result'), /I2 .* has no result/],
  ['two results that differ', [...GOOD, result({ digest: 'y' })], /I2 .* results that differ/],
  ['a result that no response of the journal made', without(RESPONSE), /I2 .* 0 responses/],
  [
    'a task that became another when it was posted again',
    [...GOOD, { kind: 'posted-again', atMs: 9, taskId: TASK, as: 'task-2' }],
    /I2 .* accepted as task-1, and again as task-2/,
  ],
  [
    'a task that is refused',
    [...GOOD, { kind: 'refused', atMs: 9, taskId: TASK, status: 409, code: 'conflict' }],
    /I2 .* refused: 409 conflict/,
  ],
  [
    "an end by a day's budget that the agent does not have",
    GOOD.map((entry) =>
      entry.kind === 'result' ? result({ outcome: 'halted', code: 'agent-budget' }) : entry,
    ),
    /I2 .* ended as halted \(agent-budget\)/,
  ],
  [
    'an end that no fault explains',
    GOOD.map((entry) => (entry.kind === 'result' ? result({ outcome: 'failed', code: 'internal' }) : entry)),
    /I2 .* ended as failed \(internal\)/,
  ],
  ['a deed left out', GOOD.filter(({ kind }) => kind !== 'deed'), /I2 .* completed without its post/],
  ['a call that no cost event knows', [...GOOD, charged('0.01')], /I3 .* 0.03 metered/],
  [
    'a cost that nobody metered, though nothing went wrong',
    [...GOOD, cost('3', '0.01')],
    /I3 .* one claim ran through/,
  ],
  ['costs over the budget', [...GOOD, cost('3', '0.6'), charged('0.6')], /I3 .* over its budget of 0.5/],
  [
    "costs over the day's budget",
    [...GOOD, cost('3', '0.06', ofThrifty), cost('4', '0.06', ofThrifty)],
    /I3 .* over its budget of 0.1 for the day/,
  ],
  [
    'money that Redis forgot',
    [...GOOD, cost('3', '0.06', ofThrifty), ledger({ usd: '0.05' })],
    /I3 .* 0.05 counted in Redis/,
  ],
  [
    'money that Redis holds for nobody',
    [...GOOD, cost('3', '0.06', ofThrifty), ledger({ usd: '0.07' })],
    /I3 .* 0.07 counted in Redis/,
  ],
  ['money that nobody counted again', [...GOOD, ledger({ known: false })], /I3 .* was not counted again/],
  [
    'a task that is not shown',
    without(...GOOD.filter(({ kind }) => kind === 'shown')),
    /read models .* as nothing/,
  ],
  ...([{ state: 'processing' }, { code: 'poison' }, { costUsd: '0.01' }, { claims: 2 }] as const).map(
    (of): [string, readonly HistoryEntry[], RegExp] => [
      `a task that is shown with another ${Object.keys(of)[0]}`,
      GOOD.map((entry) => (entry.kind === 'shown' ? shown(of) : entry)),
      /read models .* is shown as .*; the journal says completed, 0.02 USD, 1 claims/,
    ],
  ),
  ['an effect twice', [...GOOD, deed({ key: 'execution-1:3' })], /I8 .* took effect 2 times/],
  [
    'a deed without a key, asked for twice',
    [...GOOD, deed({ deed: 'stamp' }), deed({ deed: 'stamp', applied: false })],
    /I8 .* takes no key/,
  ],
  [
    'one key for two deeds',
    [...GOOD, deed({ number: 1, applied: false })],
    /I8 the key .* more than one deed/,
  ],
  ['an effect without an intent', without(INTENT), /I8 .* without an intent/],
])('%s is found', (_, history, violation) => {
  expect(violationsOf(history)).toContainEqual(expect.stringMatching(violation));
});

test('what a crash leaves is no violation: a second claim, a cost at its reservation, a post asked for again', () => {
  const later = [
    CLAIM,
    INTENT,
    journaled({ epoch: 2, worker: 'b' }),
    // Of the first one, which does not know yet that it lost its claim.
    journaled({ type: 'response', sequence: 2 }),
    journaled({ type: 'response', name: 'completed', epoch: 2, worker: 'b', sequence: 1 }),
  ];
  const history = [
    ...[TERMS, ACKNOWLEDGED, ...COSTS, cost('3', '0.2')],
    ...[deed(), deed({ applied: false }), ...later, result(), result()],
    shown({ costUsd: '0.22', claims: 2 }),
  ];
  expect(violationsOf(history)).toEqual([]);
});

test('a cost that was lost and settled later counts once, as it was settled', () => {
  expect(violationsOf([...GOOD, cost('2', '0.2'), cost('2', '0.01')])).toEqual([]);
});

test('a call that was counted at its reservation, and never reached the provider, is no money of the day', () => {
  const costs = [cost('3', '0.06', ofThrifty), cost('4', '0.06', { ...ofThrifty, settled: false })];
  const calls = costs.map(() => ({ ...charged('0.01'), taskId: ofThrifty.taskId }) as HistoryEntry);
  expect(violationsOf([...GOOD, ...costs, ...calls.slice(1)])).toEqual([]);
  expect(violationsOf([...GOOD, ...costs, ...calls])).toEqual([
    expect.stringMatching(/I3 .* allowed 0.12 USD, over its budget/),
  ]);
});

test('a run over midnight has two budgets of the day, and Redis counts each by itself', () => {
  const costs = [cost('3', '0.06', ofThrifty), cost('4', '0.06', { ...ofThrifty, day: '2026-11-23' })];
  expect(violationsOf([...GOOD, ...costs, ledger({ usd: '0.06', day: '2026-11-23' })])).toEqual([]);
});
