/** What goes to the process that builds: in pieces, so that no message keeps the event loop, however long a list is. */
import { expect, it } from 'vitest';
import { type BuilderOrder, ordersOf } from '../../../connectors/vector-index/graph-builder.ts';
import type { HashedRow } from '../../../connectors/vector-index/zvec-rows.ts';

it('sends every list of a plan in bounded pieces, and the rest behind them', () => {
  const ids = Array.from({ length: 5_001 }, (_, place) => String(place));
  const rows: readonly HashedRow[] = ids
    .slice(0, 501)
    .map((id) => ({ id, vector: Float32Array.of(1), tenant: 't', tags: [] }));
  const rest = {
    ...{ folder: 'graph-2', dimensions: 1, threads: 1 },
    ...{ last: { folder: 'graph-1', count: 9_000 }, merged: undefined },
  };
  const orders: readonly BuilderOrder[] = [
    ...ordersOf({ ...rest, rows, removed: ids, removedOfMerged: ids.slice(1) }),
  ];
  const lists = orders.flatMap((order) => ('plan' in order ? [] : order));
  expect(lists.flatMap((list) => list.rows ?? [])).toEqual(rows);
  expect(lists.flatMap((list) => list.removed ?? [])).toEqual(ids);
  expect(lists.flatMap((list) => list.removedOfMerged ?? [])).toEqual(ids.slice(1));
  expect(Math.max(...lists.map((list) => list.rows?.length ?? 0))).toBe(200);
  expect(Math.max(...lists.flatMap((list) => Object.values(list).map((some) => some.length)))).toBe(2_000);
  expect(orders.at(-1)).toEqual({ plan: rest });
});
