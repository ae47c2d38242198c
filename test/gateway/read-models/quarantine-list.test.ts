import { expect, test } from 'vitest';
import { createQuarantineList } from '../../../gateway/read-models/quarantine-list.ts';
import type { Quarantined } from '../../../schemas/records.ts';

test('one that goes as another comes leaves the number as it was, and is a change all the same', () => {
  const list = createQuarantineList();
  const tell = (documentId: string, outcome: Quarantined['outcome'], at: number) => {
    list.add({ documentId, outcome, at } as Quarantined);
    return [list.standing(), list.changedAt()];
  };
  expect(list.changedAt()).toBeNull();
  expect(tell('first', 'refused', 10)).toEqual([1, 10]);
  tell('first', 'passed', 20);
  expect(tell('second', 'refused', 30)).toEqual([1, 30]);
  list.clear();
  expect(list.changedAt()).toBeNull();
});
