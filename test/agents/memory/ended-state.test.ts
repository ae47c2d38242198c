import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { foldEnded, saidBy, withSnapshot } from '../../../agents/memory/ended-state.ts';
import type { EndedExecution } from '../../../agents/memory/remembered-turn.ts';
import { type ExecutionState, INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import { snapshotDraftOf } from '../../../agents/runtime/snapshot.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { eventOf } from '../../support/event-of.ts';
import { ACTS, EXECUTIONS, logOf, recordOf } from '../runtime/waiting-histories.ts';
import { JOURNAL } from './turns.ts';

const completed = (text: string): string =>
  JSON.stringify({
    outcome: 'completed',
    output: { text, citations: [] },
    partial: null,
    receipt: {},
    steps: 1,
    startedAt: 1,
  });
const INPUT = JSON.stringify({
  text: 'How long?',
  principal: null,
  feature: null,
  budget: null,
  createdAt: 1,
});

type Part = Partial<AgentEvent> & Pick<AgentEvent, 'type'>;

const journaled = (event: Part): AgentEvent =>
  eventOf({
    ...{ executionId: 'e', taskId: 't', tenant: 'acme', sessionId: 's-1', agent: 'support' },
    ...event,
  });

/** The first of the events stands at `from`. */
const fold = (events: readonly Part[], from = 0): readonly EndedExecution[] => {
  const state = foldEnded('here', from);
  return events.flatMap((event, at) => {
    const whole = journaled(event);
    return state.take(saidBy(whole, { topic: JOURNAL, partition: 3, offset: from + at }))?.ended ?? [];
  });
};

const begun: readonly Part[] = [
  { type: 'user-input', epoch: 0, sequence: 0, worker: 'gateway', input: INPUT },
  { type: 'claim', epoch: 1, sequence: 0, worker: 'w-1' },
];

describe('an execution read from the journal', () => {
  test('is its question, its tools and its answer, at the place where it ended', () => {
    const of = { epoch: 1, worker: 'w-1' };
    expect(
      fold([
        ...begun,
        { type: 'tool-call', ...of, sequence: 1, name: 'retrieve', output: '{}' },
        { type: 'tool-call', ...of, sequence: 2, name: 'look-up', input: '{"id":7}', output: '{}' },
        { type: 'response', ...of, sequence: 3, name: 'completed', output: completed('30 days.'), at: 9 },
      ]),
    ).toEqual([
      {
        ...{ executionId: 'e', agent: 'support', tenant: 'acme', sessionId: 's-1', outcome: 'completed' },
        ...{
          place: { topic: JOURNAL, partition: 3, offset: 4 },
          at: 9,
          question: 'How long?',
          answer: '30 days.',
        },
        ...{ tools: [{ name: 'look-up', input: '{"id":7}', worked: true }], retrieved: true },
        ...{ recalled: 'user', feedback: null },
      },
    ]);
  });

  test('what it was given to remember is told by its least trusted origin', () => {
    const recalled = (over: Partial<AgentEvent>) =>
      fold([
        ...begun,
        { type: 'memory-update', epoch: 1, worker: 'w-1', sequence: 1, name: 'recall', ...over },
        { type: 'response', epoch: 1, worker: 'w-1', sequence: 2, name: 'completed', output: completed('x') },
      ]).map((each) => each.recalled);
    const turns = [{ origin: 'model' }, { origin: 'tool' }];
    const output = (value: object) => ({ output: JSON.stringify(value) });
    expect(recalled(output({ session: 'known', turns, longTerm: 'none', memories: [] }))).toEqual(['tool']);
    expect(recalled(output({ turns: [], memories: [{ origin: 'retrieved' }] }))).toEqual(['retrieved']);
    expect(recalled(output({ turns: [], memories: [] }))).toEqual(['user']);
    const outputPayload = { partition: 0, from: 0, parts: 1, bytes: 1, hash: '' } as never;
    expect(recalled({ output: null, outputPayload })).toEqual(['tool']);
  });

  test('ends once: a zombie of an older claim, and a second end, say nothing', () => {
    expect(
      fold([
        ...begun,
        { type: 'claim', epoch: 2, sequence: 0, worker: 'w-2' },
        { type: 'response', epoch: 1, sequence: 1, worker: 'w-1', output: completed('of the zombie') },
        { type: 'response', epoch: 2, sequence: 1, worker: 'w-2', output: completed('of the heir') },
        { type: 'response', epoch: 2, sequence: 2, worker: 'w-2', output: completed('again') },
      ]).map(({ answer }) => answer),
    ).toEqual(['of the heir']);
  });

  test('is left out where its beginning was not read, or its end is no end', () => {
    expect(
      fold([{ type: 'response', epoch: 1, sequence: 1, worker: 'w-1', output: completed('x') }]),
    ).toEqual([]);
    expect(fold([...begun, { type: 'response', epoch: 1, sequence: 1, worker: 'w-1', output: '{' }])).toEqual(
      [],
    );
  });
});

describe('an execution that waited for long', () => {
  const of = { epoch: 1, worker: 'w-1' };
  const state: ExecutionState = {
    ...INITIAL_STATE,
    order: { epoch: 1, worker: 'w-1', sequence: 1, hasInput: true, ended: false },
    input: JSON.parse(INPUT),
    results: [{ name: 'look-up', arguments: { id: 7 }, output: {}, error: null } as never],
    retrieved: [],
    recollection: { turns: [{ origin: 'tool' }], memories: [] } as never,
  };
  const snapshot = (from: number, over: Partial<AgentEvent> = {}): Part => ({
    ...snapshotDraftOf(recordOf('e'), from, state),
    ...{ type: 'checkpoint', ...of, sequence: 2 },
    ...over,
  });
  const effect: Part = { type: 'tool-call', ...of, sequence: 3, name: 'refund', input: '{}', output: '{}' };
  const response: Part = {
    ...{ type: 'response', ...of, sequence: 4, name: 'completed', output: completed('Done.') },
  };
  const whole = {
    question: 'How long?',
    answer: 'Done.',
    tools: [
      { name: 'look-up', input: '{"id":7}', worked: true },
      { name: 'refund', input: '{}', worked: true },
    ],
    retrieved: true,
    recalled: 'tool',
  };

  test('is whole by its snapshot, though its question was not read', () => {
    expect(fold([snapshot(500), effect, response], 500)).toMatchObject([whole]);
    // Under the claim of who went on with it.
    const heir = { epoch: 2, worker: 'w-2' };
    expect(
      fold(
        [
          snapshot(500),
          { type: 'claim', ...heir, sequence: 0 },
          { ...effect, ...heir, sequence: 1 },
          { ...response, ...of, sequence: 3, output: completed('of the zombie') },
          { ...response, ...heir, sequence: 2 },
        ],
        500,
      ),
    ).toMatchObject([whole]);
  });

  test('what was said between where its state ends and its snapshot counts', () => {
    const between: Part = { type: 'checkpoint', ...of, sequence: 2, name: 'waits' };
    const late = [between, snapshot(500, { sequence: 3 }), { ...effect, sequence: 4 }];
    expect(fold([...late, { ...response, sequence: 5 }], 500)).toMatchObject([whole]);
  });

  test('is not known by a snapshot of a worker that was believed dead', () => {
    // What it had not read, as it stands before what is read here, may have ended the execution.
    expect(fold([snapshot(499), effect, response], 500)).toEqual([]);
    const claim: Part = { type: 'claim', epoch: 2, worker: 'w-2', sequence: 0 };
    expect(fold([claim, snapshot(500), effect, response], 500)).toEqual([]);
  });

  test('of a state that stands elsewhere is whole once that was read', () => {
    const outputPayload = { partition: 0, from: 0, parts: 1, bytes: 1, hash: '' } as never;
    const inline = snapshot(500);
    const state = foldEnded('here', 500);
    const [found] = [{ ...inline, output: null, outputPayload }, effect, response].flatMap((each, at) => {
      const place = { topic: JOURNAL, partition: 3, offset: 500 + at };
      return state.take(saidBy(journaled(each), place)) ?? [];
    });
    expect(found?.snapshot).toMatchObject({ outputPayload });
    if (!found) throw new Error('it is not found');
    expect(withSnapshot(found.ended, journaled(inline))).toMatchObject(whole);
    expect(withSnapshot(found.ended, journaled({ ...inline, output: '{' }))).toBeUndefined();
  });

  test('is missed where an end of it was read and nothing else', () => {
    const state = foldEnded('here', 500);
    for (const [at, each] of [effect, response].entries())
      state.take(saidBy(journaled(each), { topic: JOURNAL, partition: 3, offset: 500 + at }));
    state.take(
      saidBy(journaled({ ...effect, executionId: 'f' }), { topic: JOURNAL, partition: 3, offset: 502 }),
    );
    expect([...state.missed()].map(([id, said]) => [id, said.length])).toEqual([['e', 2]]);
  });

  test('is not missed where it goes on, though a zombie said an end of it', () => {
    const state = foldEnded('here', 0);
    const heir: Part = { type: 'claim', epoch: 2, worker: 'w-2', sequence: 0 };
    for (const [at, each] of [...begun, heir, response].entries())
      state.take(saidBy(journaled(each), { topic: JOURNAL, partition: 3, offset: at }));
    expect([...state.missed()]).toEqual([]);
  });

  test('by a snapshot or a recollection of another shape says nothing, and stops nothing', () => {
    for (const odd of [{ results: [null] }, { input: { text: 5 } }] as never[]) {
      const draft = snapshotDraftOf(recordOf('e'), 500, { ...state, ...(odd as object) });
      expect(fold([{ ...snapshot(500), ...draft }, effect, response], 500)).toEqual([]);
    }
    for (const output of ['{"turns":[null],"memories":[]}', '{"turns":[{}],"memories":[]}', '{']) {
      const recalled: Part = { ...{ type: 'memory-update', ...of, sequence: 1, name: 'recall', output } };
      expect(fold([...begun, recalled, { ...response, sequence: 2 }])).toMatchObject([{ recalled: 'tool' }]);
    }
  });

  test('is not known by a snapshot of a state so long ago that its end may be forgotten', () => {
    const state = foldEnded('here', 500);
    const far = [snapshot(500), effect, response].flatMap((each, at) => {
      const place = { topic: JOURNAL, partition: 3, offset: 50_501 + at };
      return state.take(saidBy(journaled(each), place)) ?? [];
    });
    expect(far).toEqual([]);
  });
});

test('wherever reading begins, what is told of an end is what reading all of the journal says, or nothing (rule J)', () => {
  let restored = 0;
  fc.assert(
    fc.property(ACTS, (acts) => {
      const log = logOf(acts);
      const endsFrom = (from: number) => {
        const state = foldEnded('here', from);
        return new Map(
          log.slice(from).flatMap((event, at) => {
            const place = { topic: JOURNAL, partition: 0, offset: from + at };
            const found = state.take(saidBy(event, place));
            return found ? [[found.ended.executionId, found.ended] as const] : [];
          }),
        );
      };
      const all = endsFrom(0);
      for (let from = 1; from <= log.length; from += 1)
        for (const [executionId, { place, question, retrieved }] of endsFrom(from)) {
          expect({ from, place, question, retrieved }).toEqual({ from, ...pick(all.get(executionId)) });
          const input = log.findIndex(
            (event) => event.type === 'user-input' && event.executionId === executionId,
          );
          if (input < from) restored += 1;
        }
      expect(all.size).toBeLessThanOrEqual(EXECUTIONS.length);
    }),
    { numRuns: 300 },
  );
  // Else it has asserted nothing.
  expect(restored).toBeGreaterThan(20);
}, 240_000);

const pick = (ended: EndedExecution | undefined) =>
  ended && { place: ended.place, question: ended.question, retrieved: ended.retrieved };
