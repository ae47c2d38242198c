import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createJournalFold } from '../../../agents/runtime/journal-fold.ts';
import { eventOf } from '../../support/event-of.ts';

const LOG = [
  eventOf({ type: 'user-input', epoch: 0, task: { topic: 'freshet.tasks', partition: 0, offset: 7 } }),
  eventOf({ type: 'claim', sequence: 0 }),
  eventOf({ type: 'tool-call', sequence: 1 }),
  eventOf({ type: 'claim', epoch: 2, worker: 'worker-b', sequence: 0 }),
  eventOf({ type: 'response', sequence: 2 }),
  eventOf({ type: 'response', epoch: 2, worker: 'worker-b', sequence: 1 }),
];

test('events come to the fold in log order, however acknowledgements and readings are mixed', () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray([...LOG.keys(), ...LOG.keys()], { minLength: 2 * LOG.length }),
      (order) => {
        const standings: string[] = [];
        const fold = createJournalFold(0, (event, standing) =>
          standings.push(`${event.type} ${event.epoch} ${standing}`),
        );
        for (const offset of order) fold.offer(offset, LOG[offset] ?? null);
        expect(fold.position()).toBe(LOG.length);
        expect(standings).toEqual([
          'user-input 0 counts',
          'claim 1 counts',
          'tool-call 1 counts',
          'claim 2 counts',
          'response 1 stale',
          'response 2 counts',
        ]);
        expect(fold.isEnded('execution-1')).toBe(true);
      },
    ),
  );
});

test('the journal is to be read again from the first event of a task that is not committed, and no further', () => {
  const fold = createJournalFold(0, () => undefined);
  for (const [offset, event] of LOG.entries()) fold.offer(100 + offset, event);
  expect(fold.position()).toBe(0);
  const later = createJournalFold(100, () => undefined);
  for (const [offset, event] of LOG.entries()) later.offer(100 + offset, event);
  expect(later.pinnedAt(7)).toBe(100);
  expect(later.pinnedAt(8)).toBe(106);
  later.forgetBelow(8);
  expect(later.isEnded('execution-1')).toBe(true);
  expect(later.execution('execution-1')).toBeUndefined();
});
