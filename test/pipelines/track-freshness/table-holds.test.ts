/**
 * I6 around pauses that workers find: a worker asks for the pause, drops what it read of the table, and counts it as done; the
 * watch says so in the source's state some time later. Whatever the order, a claim in between holds the table back.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { NO_PAUSES, tableHolds, withRecord } from '../../../pipelines/track-freshness/table-holds.ts';
import type { SourceCommand } from '../../../pipelines/watch-sources/source-commands.ts';
import { commanded } from '../../../pipelines/watch-sources/table-changes.ts';
import type { SourceState } from '../../../schemas/records.ts';
import { stateOf } from '../watch-sources/watched-states.ts';

const TABLES = ['public.a', 'public.b'];
const command = (
  action: SourceCommand['action'],
  table: string | undefined,
  source = 's',
): SourceCommand => ({
  ...{ source, table, action, by: 'freshet', reason: 'a column is gone' },
});

const records: fc.Arbitrary<SourceCommand | undefined> = fc.option(
  fc
    .record({
      action: fc.constantFrom('pause' as const, 'resume' as const, 'snapshot' as const),
      table: fc.constantFrom(...TABLES, undefined),
      source: fc.constantFrom('s', 'other'),
    })
    .map(({ action, table, source }) => command(action, table, source)),
  { nil: undefined },
);

test('a table is held from the command on, however late the watch is', () => {
  fc.assert(
    fc.property(fc.array(records, { maxLength: 10 }), fc.nat(10), (log, watched) => {
      const asked = log.reduce((before, each, offset) => withRecord(before, offset, each), NO_PAUSES);
      let state: SourceState = stateOf({ handled: 0 });
      for (const [offset, each] of log.slice(0, watched).entries())
        if (each?.source === 's')
          state = { ...commanded(state, each, `signal-${offset}`, offset), handled: offset + 1 };
      const held = tableHolds('s', state, asked).map(({ table }) => table);
      for (const table of TABLES) {
        const isPaused = state.tables.some((each) => each.table === table && each.state !== 'live');
        // Everything that the watch has not come to, as whole records of this very table.
        const waits = log.some(
          (each, offset) =>
            offset >= state.handled &&
            each?.source === 's' &&
            each.table === table &&
            each.action === 'pause',
        );
        expect(held.filter((each) => each === table)).toHaveLength(isPaused || waits ? 1 : 0);
      }
    }),
    { numRuns: 500 },
  );
});

test('a pause that is asked for and taken back before the watch saw either: held until it has', () => {
  const asked = [command('pause', 'public.a'), command('resume', 'public.a')].reduce(
    (before, each, offset) => withRecord(before, offset, each),
    NO_PAUSES,
  );
  expect(tableHolds('s', stateOf(), asked)).toEqual([
    { table: 'public.a', reason: 'asked to be paused: a column is gone' },
  ]);
  expect(tableHolds('s', stateOf({ handled: 2 }), asked)).toEqual([]);
  expect(tableHolds('s', undefined, asked)).toHaveLength(1);
});

test('freshet.control made anew: what was handled of the old one handles nothing of the new one', () => {
  const old = withRecord(NO_PAUSES, 40, command('pause', 'public.b'));
  const anew = withRecord(old, 0, command('pause', 'public.a'));
  const held = tableHolds('s', stateOf({ handled: 41 }), anew);
  expect(held.map(({ table }) => table)).toEqual(['public.a']);
});
