/** What ends a wait, and what does not: thousands wait beside each other, and what may mean anybody wakes them all. */
import { expect, test } from 'vitest';
import type { ExecutionControl } from '../../../agents/runtime/execution-controls.ts';
import { type ExecutionState, INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import { createJournalFold } from '../../../agents/runtime/journal-fold.ts';
import { waitOutside } from '../../../agents/runtime/wait-outside.ts';

const call = { id: 'call-1', name: 'change', arguments: {} };
const until = 1_700_000_100_000_000;
const state: ExecutionState = {
  ...INITIAL_STATE,
  phase: { kind: 'awaiting-approval', step: 3, calls: [call], argumentsHash: 'hash', since: 0, until },
};
const identity = {
  ...{ executionId: 'execution-1', taskId: 'task-1', agent: 'support', behaviour: '1' },
  ...{ worker: 'worker-a', tenant: 'acme', sessionId: null },
};

/** Each word is a second after the one before it; the approval is heard with one of them. */
const waited = async (approvedWith: number): Promise<{ readonly words: number; readonly waits: number }> => {
  let words = 0;
  let waits = 0;
  const unused = (): never => expect.unreachable('a wait for a person follows no log');
  const control: ExecutionControl = {
    stop: () => null,
    approval: () => (words >= approvedWith ? { approved: true, by: 'ada', reason: null } : null),
    stopped: new AbortController().signal,
    changed: async () => {
      words += 1;
    },
    close: () => undefined,
  };
  const fold = createJournalFold(0, () => undefined);
  await waitOutside(
    {
      identity,
      signal: new AbortController().signal,
      waits: {
        during: async (_, wait) => {
          waits += 1;
          await wait(new AbortController().signal);
        },
      },
    },
    {
      clock: () => until - 10_000_000 + words * 1_000_000,
      journal: {
        ...{ fold, append: unused, leave: unused, follow: unused, readTo: unused },
        ...{ readToEnd: unused, watch: unused, abandon: unused },
      },
    },
    { state: () => state, write: unused, writeBehind: () => undefined },
    control,
    until,
  );
  return { words, waits };
};

test('words that are not for it leave a wait as it is; the one that is ends it, and so does its time', async () => {
  expect(await waited(3)).toEqual({ words: 3, waits: 1 });
  expect(await waited(99)).toEqual({ words: 10, waits: 1 });
});
