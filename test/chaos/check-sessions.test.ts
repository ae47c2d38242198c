/** What executions are told of their session is held against the journal: every way to leave out, make up or mix turns is found. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkSessions } from './check-sessions.ts';
import type { HistoryEntry, JournaledEvent } from './history.ts';

interface Execution {
  readonly id: string;
  readonly worker?: string;
  /** What it is told; nothing where left out. */
  readonly recalled?: JournaledEvent['recalled'];
  readonly ends?: 'completed' | 'failed';
  readonly session?: string;
}

let offset = 0;
const journalOf = ({
  id,
  worker = 'a',
  recalled,
  ends,
  session = 's',
}: Execution): readonly HistoryEntry[] => {
  let sequence = -1;
  const event = (of: Partial<JournaledEvent>): HistoryEntry => {
    offset += 1;
    sequence += 1;
    return {
      ...{ kind: 'journal', partition: 0, offset },
      event: {
        ...{ executionId: id, taskId: id, sessionId: session, epoch: 1, sequence, type: 'claim', worker },
        ...{ step: 0, name: null, idempotencyKey: null, code: null, recalled: null },
        ...of,
      },
    };
  };
  return [
    event({}),
    ...(recalled === undefined ? [] : [event({ type: 'memory-update', name: 'recall', recalled })]),
    ...(ends === undefined ? [] : [event({ type: 'response', name: ends })]),
  ];
};
const known = (...turns: readonly string[]) => ({ session: 'known' as const, turns });
const NEW = { session: 'new', turns: [] } as const;
const rollCall = (id: string): HistoryEntry => ({
  ...{ kind: 'acknowledged', atMs: 1, taskId: id, as: id, agent: 'chaos' },
  ...{ deeds: [], maxUsd: null, rollCall: true },
});
const violationsOf = (...executions: readonly Execution[]): readonly string[] =>
  checkSessions([rollCall('roll'), ...executions.flatMap(journalOf)]).violations;
const ROLL = { id: 'roll', recalled: known('1', '2'), ends: 'completed' } as const;

test('a session of which everybody is told the truth', () => {
  const told = violationsOf(
    { id: '1', recalled: NEW, ends: 'completed' },
    { id: 'failed', recalled: known('1'), ends: 'failed' },
    { id: 'elsewhere', recalled: NEW, ends: 'completed', session: 'other' },
    { id: '2', recalled: known('1'), ends: 'completed' },
    { id: 'lost', recalled: { session: 'rebuilding', turns: [] } },
    ROLL,
  );
  expect(told).toEqual(['other: nobody could say at the end what it holds']);
});

test.each<[string, readonly Execution[], RegExp]>([
  [
    'what the same worker said',
    [
      { id: '1', ends: 'completed' },
      { id: '2', recalled: NEW },
    ],
    /new, without 1 of 1/,
  ],
  [
    'what was told before',
    [
      { id: '1', ends: 'completed' },
      { id: '2', recalled: known('1'), worker: 'b' },
      { id: '3', recalled: NEW, worker: 'c' },
    ],
    /3 was told that it is new, without 1 of 1/,
  ],
  [
    'what anybody said, at the last look',
    [
      { id: '1', ends: 'completed' },
      { id: 'roll', recalled: NEW, worker: 'b' },
    ],
    /roll was told that it is new, without 1 of 1/,
  ],
])('%s is not left out', (_, executions, violation) => {
  expect(violationsOf(...executions)).toContainEqual(expect.stringMatching(violation));
});

test.each<[string, readonly string[]]>([
  ['of another session', ['1', '2', 'elsewhere']],
  ['that have not ended', ['1', '2', '3']],
  ['in another order', ['2', '1']],
  ['twice', ['1', '1', '2']],
])('turns %s are found', (_, turns) => {
  const found = violationsOf(
    { id: 'elsewhere', ends: 'completed', session: 'other' },
    { id: '1', ends: 'completed' },
    { id: '2', ends: 'completed' },
    { id: '3', recalled: known(...turns) },
  );
  expect(found).toContainEqual(
    expect.stringMatching(/3 was told of . turns that are not those of its session/),
  );
});

test('what another worker ended a moment before it died may be missing, until the last look', () => {
  const executions = [
    { id: '1', ends: 'completed' },
    { id: '2', recalled: NEW, worker: 'b', ends: 'completed' },
  ] as const;
  expect(violationsOf(...executions, ROLL)).toEqual([]);
  expect(violationsOf(...executions, { ...ROLL, recalled: known('2') })).toHaveLength(1);
});

test('of any conversation, leaving out any turn is found at the last look', () => {
  const numbers = fc.uniqueArray(fc.nat(9_999), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(numbers, fc.nat(), (ids, at) => {
      const executions = ids.map((id) => ({ id: `x${id}`, ends: 'completed' }) as const);
      const turns = executions.map(({ id }) => id);
      const told = (some: readonly string[]) =>
        violationsOf(...executions, { id: 'roll', recalled: known(...some), worker: 'b' });
      expect(told(turns)).toEqual([]);
      expect(told(turns.filter((_, index) => index !== at % turns.length))).toHaveLength(1);
    }),
    { numRuns: 50 },
  );
});
