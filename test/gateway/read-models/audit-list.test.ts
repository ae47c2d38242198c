import { expect, test } from 'vitest';
import { type AuditEntry, createAuditList } from '../../../gateway/read-models/audit-list.ts';

const entry = (at: number, over: Partial<AuditEntry> = {}): AuditEntry => ({
  ...{ at, by: 'local', action: 'task cancel', targets: [`x-${at}`], count: 1, reason: null, tenant: null },
  position: `freshet.audit:0:${at}`,
  ...over,
});

test('newest first, by time, action or its noun, whole target and tenant; read again nothing is twice', () => {
  const list = createAuditList();
  const all = [
    entry(1),
    entry(2, { action: 'task approve', tenant: 'acme' }),
    entry(3, { action: 'tasks purge', tenant: 'other', targets: ['a', 'b'] }),
  ];
  for (const each of [...all, ...all]) list.add(each);
  const times = (filter: Parameters<typeof list.list>[1], limit = 9) =>
    list.list(limit, filter).items.map(({ at }) => at);
  expect(times({})).toEqual([3, 2, 1]);
  expect(list.list(1)).toMatchObject({ held: 3, items: [{ at: 3 }] });
  expect(times({ since: 2 })).toEqual([3, 2]);
  expect(times({ action: 'task' })).toEqual([2, 1]);
  expect(times({ action: 'task cancel' })).toEqual([1]);
  expect(times({ target: 'b' })).toEqual([3]);
  expect(times({ target: 'x' })).toEqual([]);
  expect(times({ tenant: 'acme' })).toEqual([2]);
});

test('bounded by records and by targets, the oldest go first', () => {
  const list = createAuditList({ held: 3, targets: 6 });
  for (const at of [1, 2, 3, 4]) list.add(entry(at));
  expect(list.list(9).items.map(({ at }) => at)).toEqual([4, 3, 2]);
  list.add(entry(5, { targets: ['a', 'b', 'c', 'd', 'e'] }));
  expect(list.list(9).items.map(({ at }) => at)).toEqual([5, 4]);
});
