import { expect, test } from 'vitest';
import { begunUnder } from '../../../agents/runtime/begun-under.ts';
import { createJournalFold } from '../../../agents/runtime/journal-fold.ts';
import { SNAPSHOT } from '../../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { eventOf } from '../../support/event-of.ts';

const TASK = { topic: 'freshet.tasks', partition: 0, offset: 7 };
const input = eventOf({ type: 'user-input', epoch: 0, task: TASK, behaviour: '9' });
const claim = (epoch: number, behaviour: string, worker = 'worker-a') =>
  eventOf({ type: 'claim', epoch, behaviour, worker });
const after = (...events: readonly AgentEvent[]): string | null => {
  const fold = createJournalFold(0, () => undefined);
  for (const [offset, event] of events.entries()) fold.offer(offset, event);
  return begunUnder(fold.execution('execution-1'));
};

test('the claim that holds says under which version an execution goes on; before the first, none', () => {
  expect(begunUnder(undefined)).toBeNull();
  expect(after(input)).toBeNull();
  expect(after(input, claim(1, '2'))).toBe('2');
  // Of equal epochs the first; what comes under none, such as the word of a sub-task of another agent, says nothing.
  expect(after(input, claim(1, '2'), claim(1, '1', 'worker-b'))).toBe('2');
  expect(after(input, claim(1, '2'), eventOf({ type: 'checkpoint', epoch: 0, behaviour: '7' }))).toBe('2');
  expect(after(input, claim(1, '2'), claim(2, '1', 'worker-b'))).toBe('1');
});

test('one that waits and is journaled whole goes on under the version of its snapshot, if it was begun', () => {
  const snapshot = (epoch: number) => ({
    ...{ order: { epoch, worker: 'worker-a', sequence: 1, hasInput: true, ended: false }, events: [] },
    snapshot: eventOf({ type: 'checkpoint', name: SNAPSHOT, epoch, behaviour: '2' }),
  });
  expect(begunUnder(snapshot(3))).toBe('2');
  expect(begunUnder(snapshot(0))).toBeNull();
});
