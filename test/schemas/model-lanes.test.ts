import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FreshetError } from '../../schemas/errors.ts';
import {
  documentsTopic,
  embedsBase,
  initialLanes,
  type LaneCommand,
  lanesAfter,
  lanesFilled,
  lanesKept,
  lanesOfControl,
  longestLane,
  type ModelLanes,
  moveLanes,
  nothingAsked,
  type StandingLanes,
  saidAgain,
  valuesOfLanes,
} from '../../schemas/model-lanes.ts';
import type { Control } from '../../schemas/records.ts';

const NAMES = ['base', 'second', 'third'] as const;
const command: fc.Arbitrary<LaneCommand> = fc.oneof(
  fc.record({
    action: fc.constant('reembed' as const),
    model: fc.constantFrom(...NAMES),
    backfillPerSecond: fc.integer({ min: 1, max: 1_000 }),
  }),
  fc.record({ action: fc.constantFrom('cutover' as const, 'revert' as const, 'abandon' as const) }),
  fc.record({
    action: fc.constant('finish' as const),
    at: fc.integer({ min: 1, max: 2 ** 41 }),
    answering: fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 2 }),
  }),
);
const control = (lanes: ModelLanes): Control => ({
  ...{ kind: 'embedding', name: 'documents', action: 'reembed', id: 'one' },
  ...{ values: valuesOfLanes(lanes), by: 'local', reason: null, at: 0 },
});

/** States along a walk; a command that is refused leaves the state. */
const walk = (commands: readonly LaneCommand[]): readonly ModelLanes[] => {
  const states = [initialLanes('base')];
  for (const each of commands) {
    try {
      states.push(moveLanes(states.at(-1) as ModelLanes, each));
    } catch (error) {
      if (!(error instanceof FreshetError && error.code === 'conflict')) throw error;
    }
  }
  return states;
};

test('at most two models are kept, the one that serves among them, and a model given up is filled no more', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 20 }), (commands) => {
      let baseGone = false;
      for (const lanes of walk(commands)) {
        const kept = lanesKept(lanes);
        expect(kept).toContain(lanes.serving);
        expect(kept.length).toBeLessThanOrEqual(2);
        expect(lanes.candidate === null || lanes.previous === null).toBe(true);
        expect(lanesFilled(lanes)).not.toContain('base');
        // freshet.documents has holes in its vectors from then on.
        if (baseGone) expect(embedsBase(lanes)).toBe(false);
        baseGone ||= !embedsBase(lanes);
      }
    }),
  );
});

test('the state that a follower reads is the one that was written', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 12 }), (commands) => {
      for (const lanes of walk(commands)) expect(lanesOfControl(control(lanes), 'base')).toEqual(lanes);
    }),
  );
});

test('a cut-over is undone by a revert, and the revert by a cut-over', () => {
  const filled = moveLanes(initialLanes('base'), {
    action: 'reembed',
    model: 'second',
    backfillPerSecond: 9,
  });
  const over = moveLanes(filled, { action: 'cutover' });
  expect(over).toMatchObject({ serving: 'second', candidate: null, previous: 'base' });
  const back = moveLanes(over, { action: 'revert' });
  expect(back).toEqual(filled);
  expect(moveLanes(back, { action: 'cutover' })).toEqual(over);
});

test('what was cut over from is not given up while an index replica answers with it: its documents come without vectors then', () => {
  const over = { ...initialLanes('base'), serving: 'second', previous: 'base' };
  const finish = (...answering: readonly string[]) => moveLanes(over, { action: 'finish', at: 7, answering });
  expect(() => finish('base')).toThrow(/answers with base still/);
  expect(() => finish('second', 'base')).toThrow(/answers with base still/);
  expect(finish('second')).toMatchObject({ serving: 'second', previous: null, reachesBackTo: 7 });
});

test('the past is asked of the lane that was begun first, whichever answers and wherever it was cut over to or back', () => {
  fc.assert(
    fc.property(fc.array(command, { maxLength: 20 }), (commands) => {
      const begun = ['base'];
      for (const lanes of walk(commands)) {
        const kept = lanesKept(lanes);
        // One that is given up and filled again begins anew.
        for (const [at, name] of [...begun.entries()].reverse())
          if (!kept.includes(name)) begun.splice(at, 1);
        for (const name of kept) if (!begun.includes(name)) begun.push(name);
        expect(longestLane(lanes)).toBe(begun[0]);
      }
    }),
  );
});

test('another model in the configuration alone is refused: vectors of both would be mixed', () => {
  expect(() => lanesOfControl(control(initialLanes('base')), 'second')).toThrow(/holds vectors of base/);
});

test('every model but the first has a topic of its own, made like the first', () => {
  const lanes = initialLanes('base');
  expect(documentsTopic(lanes, 'base').name).toBe('freshet.documents');
  expect(documentsTopic(lanes, 'second')).toEqual({
    ...documentsTopic(lanes, 'base'),
    name: 'freshet.documents.second',
  });
});

test('of commands that go on from the same state the first in the log holds, with every field of it', () => {
  const before = nothingAsked('base');
  const asked = (id: string, rate: number, from = before) => {
    const next = moveLanes(from.lanes, { action: 'reembed', model: 'second', backfillPerSecond: rate });
    return { ...control(next), id, values: valuesOfLanes(next, from) };
  };
  const [first, late] = [asked('a', 10), asked('b', 20)];
  const held = lanesAfter(lanesAfter(before, first), late);
  expect([held.control?.id, held.lanes.backfillPerSecond]).toEqual(['a', 10]);
  // Told once more behind the one that is void, as compaction keeps the last; and then it goes on from there.
  const again = lanesAfter(held, saidAgain(first, held));
  expect(again.lanes).toEqual(held.lanes);
  expect(lanesAfter(again, asked('c', 30, again)).lanes.backfillPerSecond).toBe(30);
  // One that an earlier release wrote, the end by hand, and what compaction left.
  expect(lanesAfter(held, control(initialLanes('base'))).lanes).toEqual(initialLanes('base'));
  expect(lanesAfter(held, null)).toEqual(before);
  expect(lanesAfter(before, asked('d', 40, held)).lanes.backfillPerSecond).toBe(40);
});

const read = (log: readonly Control[], from = nothingAsked('base')): StandingLanes =>
  log.reduce(lanesAfter, from);

test('a follower that compaction left a gap to goes on with the next command', () => {
  const log: Control[] = [];
  for (const id of ['1', '2', '3']) {
    const from = read(log);
    log.push({ ...control(from.lanes), id, values: valuesOfLanes(from.lanes, from) });
  }
  const [one, two, three] = log as [Control, Control, Control];
  expect(read([one, three]).control?.id).toBe('3');
  expect(read([one, three, two]).control?.id).toBe('3');
});

test('whatever compaction takes before the last command that holds, whoever reads what is left ends at the same lanes', () => {
  // Who sends a command has read the log up to a while ago, and may be killed before what holds is said again behind a void one.
  const sent = fc.record({ readAgo: fc.nat(4), isKilled: fc.boolean() });
  const masks = fc.array(fc.boolean(), { minLength: 60, maxLength: 60 });
  fc.assert(
    fc.property(
      fc.array(sent, { minLength: 1, maxLength: 20 }),
      masks,
      fc.nat(40),
      (commands, kept, seen) => {
        const log: Control[] = [];
        for (const [number, { readAgo, isKilled }] of commands.entries()) {
          const from = read(log.slice(0, Math.max(0, log.length - readAgo)));
          const lanes = { ...from.lanes, backfillPerSecond: number + 1 };
          log.push({ ...control(lanes), id: `${number}`, values: valuesOfLanes(lanes, from) });
          const standing = read(log);
          const isLast = number === commands.length - 1;
          if (standing.control && standing.control.id !== `${number}` && (isLast || !isKilled))
            log.push(saidAgain(standing.control, standing));
        }
        const left = log.filter((_, at) => kept[at] || at === log.length - 1);
        const all = read(log).lanes;
        expect(read(left).lanes).toEqual(all);
        // One that saw some of it before compaction went on, and one that then lost its connection and began again.
        expect(
          read([...log.slice(0, seen), ...left.filter((each) => log.indexOf(each) >= seen)]).lanes,
        ).toEqual(all);
        expect(read(left, read(log.slice(0, seen))).lanes).toEqual(all);
      },
    ),
  );
});
