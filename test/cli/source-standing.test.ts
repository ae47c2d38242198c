import { expect, test } from 'vitest';
import { isRead, isSettled, sourceTroubles } from '../../cli/start/source-standing.ts';

const source = (state: string, reason: string | null = null, paused?: string) => ({
  ...{ source: 'shop', state, reason },
  tables: [
    { table: 'public.a', state: 'live', reason: null },
    ...(paused === undefined ? [] : [{ table: 'public.b', state: 'paused', reason: paused }]),
  ],
});

test('a source that cannot be captured, and a table that is not read, are told with the reason', () => {
  expect([
    ...sourceTroubles([source('failed', 'no such database'), source('snapshotting', 'begins')]),
  ]).toEqual([['shop failed', 'no such database']]);
  expect([...sourceTroubles([source('streaming', null, 'its column is gone')])]).toEqual([
    ['shop: public.b is paused', 'its column is gone'],
  ]);
  expect([...sourceTroubles([source('paused', 'paused by me'), source('streaming')])]).toEqual([
    ['shop is paused', 'paused by me'],
  ]);
});

test('a source that was told to have stopped is waited for no longer, and one that is read is', () => {
  for (const state of ['failed', 'lost', 'paused'])
    expect(isSettled([source('streaming'), source(state)])).toBe(true);
  for (const state of ['unknown', 'snapshotting'])
    expect(isSettled([source('failed'), source(state)])).toBe(false);
  expect(isSettled([])).toBe(false);
});

test('empty tables are read as soon as their source streams, and nothing is before all of them do', () => {
  expect(isRead([source('streaming')])).toBe(true);
  for (const sources of [[], [source('failed')], [source('streaming'), source('snapshotting')]])
    expect(isRead(sources)).toBe(false);
});
