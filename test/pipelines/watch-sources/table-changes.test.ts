import fc from 'fast-check';
import { expect, test } from 'vitest';
import { acceptedColumns, columnTrouble } from '../../../pipelines/watch-sources/column-changes.ts';
import { mappingDigest } from '../../../pipelines/watch-sources/mapping-digest.ts';
import {
  SOURCE_ACTIONS,
  type SourceAction,
  type SourceCommand,
} from '../../../pipelines/watch-sources/source-commands.ts';
import {
  commanded,
  doubtfulFrom,
  goneFrom,
  isToRegister,
  othersFrom,
  unmarked,
  withShapes,
  withTables,
} from '../../../pipelines/watch-sources/table-changes.ts';
import type { TableMapping } from '../../../schemas/config.ts';
import { stateOf } from './watched-states.ts';

const TABLES = ['public.a', 'public.b'];
const mapped = (...tables: readonly string[]) => new Map(tables.map((table) => [table, 'digest']));
const command = (action: SourceAction, table?: string, reason: string | null = null): SourceCommand => ({
  ...{ source: 's', table, action, by: 'ada', reason },
});

test('a table that was paused is live again by a snapshot alone: what it skipped is read', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...SOURCE_ACTIONS), fc.constantFrom(...TABLES)), { maxLength: 12 }),
      (commands) => {
        let now = stateOf();
        const skipped = new Set<string>();
        for (const [at, [action, table]] of commands.entries()) {
          now = commanded(now, command(action, table), `signal-${at}`, at);
          for (const each of now.tables) {
            if (each.state === 'paused') skipped.add(each.table);
            if (each.state === 'live') expect(skipped.has(each.table)).toBe(false);
            // Paused, nothing of it is read; taken on again, one snapshot of it is under way.
            expect(each.signal !== null).toBe(each.state === 'snapshotting');
          }
        }
      },
    ),
  );
});

test('the first reason of a pause stays: it is what has to be mended', () => {
  const first = commanded(stateOf(), command('pause', 'public.a', 'a column is gone'), 'x', 1);
  const again = commanded(first, command('pause', 'public.a', 'something else'), 'y', 2);
  expect(again.tables[0]?.reason).toBe('paused by ada: a column is gone');
  const mark = { table: 'public.a', paused: true, turn: 1 };
  expect(unmarked(again, new Map())).toEqual([mark]);
  // An append that failed is made good at the next look, and one that did not is not repeated.
  expect(unmarked(again, new Map([['public.a', 0]]))).toEqual([mark]);
  expect(unmarked(again, new Map([['public.a', 1]]))).toEqual([]);
});

test('what was found in rows from before a table was mended and taken again does not pause it anew', () => {
  const asked = (turn: number): SourceCommand => ({
    ...command('pause', 'public.a', 'a column is gone'),
    turn,
  });
  const found = commanded(stateOf(), asked(0), 'x', 1);
  expect(found.tables[0]).toMatchObject({ state: 'paused', turn: 1 });
  const resumed = commanded(found, command('resume', 'public.a'), 'sig', 2);
  expect(resumed.tables[0]).toMatchObject({ state: 'snapshotting', turn: 2 });
  for (const late of [0, 1]) expect(commanded(resumed, asked(late), 'y', 3)).toEqual(resumed);
  expect(commanded(resumed, asked(2), 'y', 3).tables[0]).toMatchObject({ state: 'paused', turn: 3 });
});

test('a source that is about to begin anew is not paused: it would forget to', () => {
  const lost = stateOf({ state: 'lost', identity: '' });
  expect(commanded(lost, command('pause'), 'x', 1)).toBe(lost);
});

test('a table added is read by a snapshot of its own, though the first one may not be swept yet', () => {
  const added = withTables(stateOf(), mapped(...TABLES, 'public.c'), 'sig', 9).tables[2];
  expect(added).toMatchObject({ state: 'snapshotting', signal: 'sig' });
  const early = withTables(stateOf({ swept: null }), mapped(...TABLES, 'public.c'), 'sig', 9).tables[2];
  expect(early).toMatchObject({ state: 'snapshotting', signal: 'sig' });
  expect(withTables(stateOf(), mapped('public.b'), 'sig', 9).tables.map(({ table }) => table)).toEqual([
    'public.b',
  ]);
});

test('a table whose mapping was changed is read again as one taken anew; where nobody knows of another it is not', () => {
  const tables = ['public.a', 'public.b', 'public.c'];
  const known = withTables(stateOf(), mapped(...tables), 'first', 8);
  expect(known.tables.map(({ mapping, signal }) => [mapping, signal])).toEqual([
    ['digest', null],
    ['digest', null],
    ['digest', 'first'],
  ]);
  const paused = commanded(known, command('pause', 'public.b'), 'x', 9);
  const other = new Map([...mapped(...tables), ['public.a', 'other'], ['public.b', 'other']]);
  const changed = withTables(paused, other, 'sig', 10);
  expect(changed.tables).toMatchObject([
    { state: 'snapshotting', signal: 'sig', turn: 1, reason: 'its mapping was changed', mapping: 'other' },
    // Resumed, it is read again whatever its mapping was.
    { state: 'paused', signal: null, turn: 1, mapping: 'other' },
    { state: 'snapshotting', signal: 'first', turn: 0, mapping: 'digest' },
  ]);
  expect(withTables(changed, other, 'again', 11)).toEqual(changed);
});

test('a mapping is another by the text of its functions', () => {
  const mapping: TableMapping = {
    title: (row) => String(row.title),
    text: (row) => String(row.body),
    tenant: () => 'acme',
  };
  const same = { ...mapping, gates: { secrets: 'off' } } as const;
  expect(mappingDigest(same)).toBe(mappingDigest({ ...mapping }));
  const others: Partial<TableMapping>[] = [
    { text: (row) => String(row.summary) },
    { tenant: (row) => String(row.org) },
    { metadata: () => ({}) },
    { title: mapping.text, text: mapping.title },
  ];
  const digests = others.map((other) => mappingDigest({ ...mapping, ...other }));
  expect(new Set([mappingDigest(mapping), ...digests]).size).toBe(5);
});

test.each([
  [{ a: 'text' }, undefined],
  [{ a: 'character varying' }, undefined],
  [{ a: 'text', b: 'jsonb' }, undefined],
  [{ b: 'text' }, 'its column a was dropped or renamed, and its mapping reads it'],
  [{ a: 'jsonb' }, 'its column a was text and is jsonb now'],
])('columns %j after a: text', (now: Readonly<Record<string, string>>, reason) => {
  expect(columnTrouble(acceptedColumns(['a'], { a: 'text', c: 'int' }), now)).toBe(reason);
});

const shapes = (a: string | undefined, columns: Readonly<Record<string, string>> = { body: 'text' }) =>
  new Map(a === undefined ? [] : [['public.a', { identity: a, columns }]]);
const READ_BY = new Map([['public.a', ['body']]]);
const MADE_ANEW = 'it was made anew, or has another primary key';

test('a table is held to what it was; made anew it is read again, gone it waits, back it is read again', () => {
  const before = stateOf({ tables: stateOf().tables.slice(0, 1) });
  expect(goneFrom(before, shapes(undefined))).toEqual([]);
  const steps: readonly [string | undefined, object, boolean][] = [
    ['1', { state: 'live', identity: '1', columns: { body: 'text' } }, true],
    ['1', { state: 'live', identity: '1' }, false],
    ['1/id:integer', { state: 'live', identity: '1/id:integer' }, false],
    ['2', { state: 'snapshotting', reason: MADE_ANEW, signal: 'sig', turn: 1 }, true],
    ['2', { state: 'snapshotting', identity: '2', columns: { body: 'text' }, signal: 'sig' }, false],
    [undefined, { state: 'paused', signal: null, turn: 2 }, false],
    [undefined, { state: 'paused', turn: 2 }, false],
    ['3', { state: 'snapshotting', reason: 'it came back', signal: 'sig', turn: 3 }, true],
    ['3/number:integer', { identity: '3/number:integer', turn: 3 }, false],
    ['3/name:text', { state: 'snapshotting', reason: MADE_ANEW, turn: 4 }, true],
  ];
  let now = before;
  for (const [identity, expected, isAnother] of steps) {
    expect(isToRegister(now, shapes(identity))).toBe(isAnother);
    expect(goneFrom(now, shapes(identity))).toEqual(identity === undefined ? ['public.a'] : []);
    now = withShapes(now, shapes(identity), READ_BY, 'sig', 5);
    expect(now.tables[0]).toMatchObject(expected);
  }
});

test('a table that a person paused stays so, whatever becomes of it; a database that tells no identity is believed', () => {
  const paused = commanded(stateOf(), command('pause', 'public.a'), 'x', 1);
  for (const identity of [undefined, '2'])
    expect(withShapes(paused, shapes(identity), READ_BY, 'sig', 5).tables[0]).toEqual(paused.tables[0]);
  const of = stateOf({ tables: stateOf().tables.slice(0, 1) });
  const held = withShapes(of, shapes(''), READ_BY, 'sig', 5);
  expect(isToRegister(held, shapes(''))).toBe(false);
  expect(withShapes(held, shapes('', { body: 'jsonb' }), READ_BY, 'sig', 6).tables[0]).toMatchObject({
    state: 'paused',
    reason: 'its column body was text and is jsonb now',
  });
});

test('a table made anew that cannot be captured waits with the reason, the others go on; it is tried again', () => {
  const [a, b] = stateOf().tables;
  if (!a || !b) throw new Error('two tables');
  const held = { identity: '1', columns: { body: 'text' } };
  const state = stateOf({
    tables: [
      { ...a, ...held },
      { ...b, ...held },
    ],
  });
  const now = new Map([
    ['public.a', { identity: '2', columns: { body: 'text' } }],
    ['public.b', { identity: '1', columns: { body: 'jsonb' } }],
  ]);
  expect(othersFrom(state, now)).toEqual(['public.a']);
  const refused = withShapes(
    state,
    now,
    READ_BY,
    'sig',
    5,
    new Map([['public.a', 'must be owner of table a']]),
  );
  expect(refused.tables).toMatchObject([
    { state: 'paused', reason: 'it was made anew and cannot be captured: must be owner of table a', turn: 1 },
    { state: 'paused', reason: 'its column body was text and is jsonb now' },
  ]);
  expect([isToRegister(refused, now), othersFrom(refused, now)]).toEqual([true, ['public.a']]);
  expect(withShapes(refused, now, READ_BY, 'sig', 6, new Map([['public.a', 'still']]))).toEqual(refused);
  const back = withShapes(refused, now, READ_BY, 'sig', 7);
  expect(back.tables[0]).toMatchObject({ state: 'snapshotting', reason: 'it came back', identity: '2' });
});

test('of several that wait, each goes on by itself; what a person pauses stays so', () => {
  const waiting = stateOf({
    tables: stateOf().tables.map((each) => ({ ...each, identity: '1', columns: { body: 'text' } })),
  });
  const now = (a: string, b: string) =>
    new Map([
      ['public.a', { identity: a, columns: { body: 'text' } }],
      ['public.b', { identity: b, columns: { body: 'text' } }],
    ]);
  const both = withShapes(waiting, new Map(), READ_BY, 'sig', 5);
  expect(both.tables.map(({ state }) => state)).toEqual(['paused', 'paused']);
  expect(doubtfulFrom(both, now('1', '1'), false)).toEqual(['public.a', 'public.b']);
  const refusals = new Map([['public.a', 'must be owner']]);
  const one = withShapes(both, now('2', '2'), READ_BY, 'sig', 6, refusals);
  expect(one.tables.map(({ state }) => state)).toEqual(['paused', 'snapshotting']);
  // A word of a person holds, though the table was about to go on by itself.
  const held = commanded(both, command('pause', 'public.a'), 'x', 7);
  expect(withShapes(held, now('1', '1'), READ_BY, 'sig', 8).tables.map(({ state }) => state)).toEqual([
    'paused',
    'snapshotting',
  ]);
});

test('nothing that is captured is left out to find who holds up the others, but where nothing is captured at all', () => {
  const live = stateOf({ tables: stateOf().tables.map((each) => ({ ...each, identity: '1', turn: 3 })) });
  const now = shapes('1');
  expect(doubtfulFrom(live, now, false)).toEqual([]);
  expect(doubtfulFrom(live, now, true)).toEqual(['public.a']);
  const resumed = commanded(
    commanded(live, command('pause', 'public.a'), 'x', 1),
    command('resume', 'public.a'),
    'y',
    2,
  );
  expect(isToRegister(resumed, now)).toBe(true);
  expect(doubtfulFrom(resumed, now, false)).toEqual(['public.a']);
});

test('what has gone is known to have been captured, whatever a person asks for meanwhile', () => {
  const held = withShapes(stateOf(), shapes('1'), READ_BY, 'x', 1);
  const gone = withShapes(held, shapes(undefined), READ_BY, 'x', 2);
  const resumed = commanded(gone, command('resume', 'public.a'), 'sig', 3);
  expect(goneFrom(resumed, shapes(undefined))).toContain('public.a');
  const still = withShapes(resumed, shapes(undefined), READ_BY, 'x', 4);
  expect(goneFrom(still, shapes(undefined))).toContain('public.a');
  // Back as the one it was, it is in no publication for sure.
  expect([isToRegister(still, shapes('1')), othersFrom(still, shapes('1'))]).toEqual([true, ['public.a']]);
});

test('a table whose mapping reads what no change carries is paused at the first look, and again when it is resumed', () => {
  const now = new Map([['public.a', { identity: '1', columns: { body: 'text' }, uncarried: ['body'] }]]);
  const held = withShapes(stateOf(), now, READ_BY, 'x', 1);
  const again = withShapes(commanded(held, command('resume', 'public.a'), 's', 2), now, READ_BY, 'x', 3);
  for (const { tables } of [held, again])
    expect(tables[0]).toMatchObject({ state: 'paused', reason: expect.stringContaining('is generated') });
});
