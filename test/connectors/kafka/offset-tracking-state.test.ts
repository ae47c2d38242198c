import fc from 'fast-check';
import { expect, test } from 'vitest';
import { finished, inFlight, started, trackFrom } from '../../../connectors/kafka/offset-tracking-state.ts';

/** Offsets of a partition with holes (compaction), from some beginning. */
const offsets = fc
  .tuple(fc.nat(1_000), fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 20 }))
  .map(([begin, steps]) => {
    const list: number[] = [];
    let at = begin;
    for (const step of steps) {
      at += step;
      list.push(at - 1);
    }
    return { begin, list };
  });

test('however records finish, everything below what may be committed is finished, and nothing that can be committed is held back', () => {
  fc.assert(
    fc.property(
      offsets,
      fc.infiniteStream(fc.nat()),
      fc.infiniteStream(fc.boolean()),
      ({ begin, list }, picks, turns) => {
        let state = trackFrom(begin);
        const open: number[] = [];
        const done = new Set<number>();
        const waiting = [...list];
        let before = state.committable;
        while (waiting.length > 0 || open.length > 0) {
          const [start] = turns.take(1);
          const next = waiting[0];
          if (next !== undefined && (start || open.length === 0)) {
            waiting.shift();
            open.push(next);
            state = started(state, next);
          } else {
            const [pick = 0] = picks.take(1);
            const [offset = -1] = open.splice(pick % open.length, 1);
            done.add(offset);
            state = finished(state, offset);
          }
          expect(state.committable).toBeGreaterThanOrEqual(before);
          before = state.committable;
          const unfinished = list.filter((offset) => !done.has(offset) && offset < state.next);
          expect(state.open).toEqual(unfinished);
          expect(inFlight(state)).toBe(unfinished.length);
          for (const offset of list) if (offset < state.committable) expect(done.has(offset)).toBe(true);
          if (unfinished.length === 0 && state.next > begin) expect(state.committable).toBe(state.next);
          else if (unfinished[0] !== undefined) expect(state.committable).toBe(unfinished[0]);
        }
        if (list.length > 0) expect(state.committable).toBe((list.at(-1) ?? 0) + 1);
      },
    ),
  );
});

test('redelivered and unknown offsets change nothing', () => {
  const state = started(started(trackFrom(5), 5), 6);
  expect(started(state, 5)).toBe(state);
  expect(finished(state, 9)).toBe(state);
  const once = finished(state, 5);
  expect(finished(once, 5)).toBe(once);
  expect(once.committable).toBe(6);
});
