import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findAmong } from '../../../agents/replay/find-behaviour.ts';
import {
  createRangeReplay,
  type RangeReplay,
  type ReplayedExecution,
} from '../../../agents/replay/range-replay-state.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { AGENT, interleave, RECORDINGS, recordExecution } from './recorded-executions.ts';

const findBehaviour = findAmong([AGENT]);

const run = (replay: RangeReplay, log: readonly AgentEvent[], from = 0): readonly ReplayedExecution[] => {
  const told: ReplayedExecution[] = [];
  for (let offset = from; offset < log.length && !replay.isDone(); offset += 1) {
    const event = log[offset];
    if (event) told.push(...replay.offer(offset, event, 100));
  }
  return [...told, ...replay.rest()];
};

test('of any interleaved journal, exactly the executions with an event in the range are replayed, each identically (I10)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(RECORDINGS, fc.boolean()), { minLength: 1, maxLength: 6 }),
      fc.array(fc.nat(5), { minLength: 1, maxLength: 40 }),
      fc.tuple(fc.nat(1_000), fc.nat(1_000)),
      async (recordings, picks, [a, b]) => {
        const logs = await Promise.all(
          recordings.map(([recording, finish], index) =>
            recordExecution(`task-${index}`, recording, { finish }),
          ),
        );
        const log = interleave(logs, picks);
        fc.pre(log.length > 0);
        const from = Math.min(a % log.length, b % log.length);
        const to = Math.max(a % log.length, b % log.length);
        const told = run(createRangeReplay({ from, to, findBehaviour }), log);
        const wanted = new Set(log.slice(from, to + 1).map((event) => event.executionId));
        // What a worker writes behind the end belongs to an execution that is over.
        expect(new Set(told.map((each) => each.executionId))).toEqual(wanted);
        expect(told).toHaveLength(wanted.size);
        for (const each of told) {
          const own = log.filter((event) => event.executionId === each.executionId);
          const ended = own.some((event) => event.type === 'response');
          expect(each.state).toBe(ended ? 'identical' : 'unfinished');
          expect(each.different).toBe(0);
          expect(log[each.offset]).toBe(own[0]);
        }
      },
    ),
    { numRuns: 100 },
  );
});

test('an execution whose beginning was not read is named, and found by a pass from the start for it alone', async () => {
  const log = interleave(
    [
      await recordExecution('task-a', {
        turns: [
          { kind: 'tools', names: ['look'] },
          { kind: 'text', text: 'A [1].' },
        ],
        deaths: [],
      }),
      await recordExecution('task-b', { turns: [{ kind: 'text', text: 'B [1].' }], deaths: [] }),
    ],
    [0, 0, 0, 1],
  );
  const end = log.length - 1;
  const begun = log.findIndex((event) => event.taskId === 'task-b');
  const late = createRangeReplay({ from: begun, to: end, findBehaviour });
  const told = run(late, log, begun);
  expect(told.map((each) => each.taskId)).toEqual(['task-b']);
  expect([...late.beheaded()]).toEqual([log[0]?.executionId]);
  const whole = createRangeReplay({ from: begun, to: end, findBehaviour, only: late.beheaded() });
  expect(run(whole, log).map((each) => [each.taskId, each.state])).toEqual([['task-a', 'identical']]);
});

test('what differs is counted, and its first difference told', async () => {
  const log = await recordExecution('task-a', {
    turns: [
      { kind: 'tools', names: ['look'] },
      { kind: 'text', text: 'A [1].' },
    ],
    deaths: [],
  });
  const changed = findAmong([{ ...AGENT, version: '2', instructions: 'Do otherwise.' }]);
  const [told] = run(createRangeReplay({ from: 0, to: log.length - 1, findBehaviour: changed }), log);
  expect(told).toMatchObject({ state: 'different', different: 3, firstDifference: { kind: 'request' } });
  // The version that it ran under, kept beside the one that runs now, replays it as it was.
  const kept = findAmong([{ ...AGENT, version: '2', instructions: 'Do otherwise.' }], [AGENT]);
  const [again] = run(createRangeReplay({ from: 0, to: log.length - 1, findBehaviour: kept }), log);
  expect(again).toMatchObject({ state: 'identical' });
});

test('with too many open at once the oldest is set aside, told of once, and no more is held than the limit', async () => {
  const count = 20;
  const logs = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      recordExecution(`task-${index}`, { turns: [{ kind: 'text', text: 'A [1].' }], deaths: [] }),
    ),
  );
  // One after another each tells its first event, then its second: all are open together.
  const log = interleave(
    logs,
    Array.from({ length: count }, (_, index) => index),
  );
  // From the first event on, and where all of them began before the range.
  for (const from of [0, count]) {
    const replay = createRangeReplay({ from, to: log.length - 1, findBehaviour, maxBytes: 1_000 });
    const told: ReplayedExecution[] = [];
    let most = 0;
    for (const [offset, event] of log.entries()) {
      told.push(...replay.offer(offset, event, 100));
      most = Math.max(most, replay.open());
    }
    told.push(...replay.rest());
    expect(most).toBeLessThanOrEqual(11);
    expect(new Set(told.map((each) => each.executionId)).size).toBe(count);
    expect(told).toHaveLength(count);
    expect(told.some((each) => each.state === 'unfinished')).toBe(true);
  }
});

test('an execution of which a payload is gone is followed to its end and called cut; the others are replayed', async () => {
  const said = { turns: [{ kind: 'text', text: 'Thirty days [1].' }], deaths: [] } as const;
  const log = interleave(
    [await recordExecution('task-a', said), await recordExecution('task-b', said)],
    [0, 1],
  );
  const replay = createRangeReplay({ from: 0, to: log.length - 1, findBehaviour });
  const told = log.flatMap((event, offset) => {
    const isGone = event.taskId === 'task-a' && event.type === 'tool-call';
    expect(replay.needsWhole(event)).toBe(true);
    return replay.offer(offset, isGone ? { ...event, output: null } : event, 100, isGone);
  });
  expect(told.map(({ taskId, state, different }) => [taskId, state, different]).sort()).toEqual([
    ['task-a', 'cut', 0],
    ['task-b', 'identical', 0],
  ]);
  expect(replay.rest()).toEqual([]);
  // Nothing more is read of one that has ended.
  expect(replay.needsWhole(log[0] ?? expect.fail())).toBe(false);
});
