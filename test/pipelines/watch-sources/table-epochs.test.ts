/**
 * A table is live only if every one of its changes was taken since the snapshot that made it so began: whatever the order in which
 * tables are paused and resumed, the source loses its place, and sweeps and snapshots end.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  isSwept,
  nextEpoch,
  sweptState,
  tablesToSweep,
} from '../../../pipelines/watch-sources/source-watch-state.ts';
import { commanded, tablesOf } from '../../../pipelines/watch-sources/table-changes.ts';
import { makeVersion } from '../../../schemas/version.ts';
import { seen, stateOf } from './watched-states.ts';

const TABLES = ['public.a', 'public.b'];

type Event =
  | { readonly kind: 'pause' | 'resume' | 'snapshot'; readonly table: string | undefined }
  | { readonly kind: 'loss' | 'sweep' | 'begin' | 'end' };

const events: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('pause' as const, 'resume' as const, 'snapshot' as const),
    table: fc.constantFrom(...TABLES, undefined),
  }),
  fc.record({ kind: fc.constantFrom('loss' as const, 'sweep' as const, 'begin' as const, 'end' as const) }),
);

test('no table is swept or called live while the workers pass over what is read of it', () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 14 }), (happened) => {
      let state = stateOf();
      /** What a worker that runs throughout knows: paused by a mark, until another mark says otherwise. */
      const passedOver = new Set<string>();
      /** Tables of which something was passed over in the snapshot under way, or ever since they were read whole. */
      const holed = new Set<string>();
      let run: string | undefined;
      for (const [at, event] of happened.entries()) {
        const signal = `signal-${at}`;
        switch (event.kind) {
          case 'pause':
          case 'resume':
          case 'snapshot':
            // A pause of the whole source stops its connector, and is no matter of its tables.
            if (event.table === undefined && event.kind !== 'snapshot') break;
            state = commanded(
              state,
              { source: 's', table: event.table, action: event.kind, by: 'ada', reason: null },
              signal,
              at,
            );
            for (const each of state.tables) if (each.state === 'paused') passedOver.add(each.table);
            for (const table of passedOver) holed.add(table);
            break;
          case 'loss':
            state = nextEpoch(state, 'place-missing', seen());
            state = {
              ...state,
              tables: state.tables.map((each) =>
                each.state === 'paused' ? each : { ...each, state: 'snapshotting' },
              ),
            };
            run = undefined;
            // A new epoch begins with marks of every table as it stands.
            passedOver.clear();
            for (const each of state.tables) if (each.state === 'paused') passedOver.add(each.table);
            holed.clear();
            for (const table of passedOver) holed.add(table);
            break;
          case 'sweep': {
            if (isSwept(state)) break;
            const swept = tablesToSweep(state);
            for (const table of swept) expect(holed.has(table)).toBe(false);
            state = sweptState(state, swept, makeVersion(state.epoch, [0n, 5n]), at);
            break;
          }
          case 'begin': {
            const next = state.tables.find((each) => each.signal !== null)?.signal ?? undefined;
            if (!isSwept(state) || !next || next === run) break;
            run = next;
            for (const table of tablesOf(state, next)) {
              passedOver.delete(table);
              holed.delete(table);
            }
            break;
          }
          case 'end': {
            if (run === undefined) break;
            const done = tablesOf(state, run);
            run = undefined;
            state = {
              ...state,
              tables: state.tables.map((each) =>
                done.includes(each.table) ? { ...each, state: 'live', signal: null } : each,
              ),
            };
            break;
          }
          default:
            event satisfies never;
        }
        for (const each of state.tables) {
          if (each.state === 'live') expect(holed.has(each.table)).toBe(false);
          // What is passed over by the marks is marked again some day.
          if (passedOver.has(each.table)) expect(each.state === 'paused' || each.signal !== null).toBe(true);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a table resumed between a new epoch and its sweep is left out of the sweep and read by a snapshot of its own', () => {
  const command = (action: 'pause' | 'resume') =>
    ({ source: 's', table: 'public.a', action, by: 'ada', reason: null }) as const;
  const paused = commanded(stateOf(), command('pause'), 'x', 1);
  const resumedAfter = commanded(nextEpoch(paused, 'place-missing', seen()), command('resume'), 'y', 2);
  expect(tablesToSweep(resumedAfter)).toEqual(['public.b']);
  const swept = sweptState(resumedAfter, tablesToSweep(resumedAfter), makeVersion(4, [0n, 5n]), 3);
  expect(swept.tables[0]).toMatchObject({ state: 'snapshotting', signal: 'y' });
});
