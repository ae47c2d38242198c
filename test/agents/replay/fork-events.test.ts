import fc from 'fast-check';
import { expect, test } from 'vitest';
import { countingEvents, type Fork, forkedEvents } from '../../../agents/replay/fork-events.ts';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import { openExecutionJournal } from '../../../agents/runtime/execution-journal.ts';
import { type ExecutionState, INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { AGENT, RECORDINGS, recordExecution } from './recorded-executions.ts';

/** Journals a fork as the worker that claims it does: input, claim and terms, then what is taken over. */
const journaled = async (fork: Fork, origin: readonly AgentEvent[]): Promise<readonly AgentEvent[]> => {
  const log: AgentEvent[] = [];
  const terms = origin.find((event) => event.type === 'request');
  let now = 1_800_000_000_000_000;
  const clock = (): number => {
    now += 1_000;
    return now;
  };
  const identity = {
    executionId: 'execution-fork',
    taskId: 'task-fork',
    agent: fork.agent,
    behaviour: AGENT.version,
    worker: 'worker-f',
    tenant: fork.tenant,
    sessionId: null,
  };
  const append = async (events: readonly AgentEvent[]): Promise<number> => log.push(...events) - 1;
  const journal = openExecutionJournal({ append }, identity, 1, INITIAL_STATE, clock);
  await journal.write(
    { type: 'user-input', step: 0, input: JSON.stringify(fork.input) },
    { type: 'claim', step: 0 },
    ...(terms
      ? [
          {
            type: 'request',
            step: 0,
            name: terms.name,
            input: terms.input,
            inputHash: terms.inputHash,
          } as const,
        ]
      : []),
    ...fork.drafts,
  );
  return log;
};

const knownBy = ({ messages, passages, retrieved, input }: ExecutionState) => ({
  messages,
  passages,
  retrieved,
  text: input?.text,
});

test('a fork at any step of any execution knows what its origin knew there, spends nothing of it, and replays identically', async () => {
  await fc.assert(
    fc.asyncProperty(RECORDINGS, fc.nat(20), async (recording, pick) => {
      const origin = await recordExecution('task-a', recording);
      const counting = countingEvents(origin).filter((event) => event.type !== 'response');
      const last = counting.reduce((most, event) => Math.max(most, event.step), 0);
      const step = pick % (last + 1);
      const fork = forkedEvents(origin, step);
      expect(fork.origin).toBe(`${origin[0]?.executionId}:${step}`);
      const log = await journaled(fork, origin);
      const state = foldEvents(log);
      const before = foldEvents(
        countingEvents(origin).filter(
          (event) => event.type === 'user-input' || event.type === 'claim' || event.step <= step,
        ),
      );
      if (before.phase.kind !== 'ended') expect(knownBy(state)).toEqual(knownBy(before));
      expect(state.costs.size).toBe(0);
      expect(state.phase.kind).not.toBe('ended');
      const replay = replayRecorded(log, [AGENT]);
      expect(replay.decisions.filter((decision) => !decision.same)).toEqual([]);
      // Keys of effects stay the origin's: the fork did not have them.
      for (const draft of fork.drafts)
        if (draft.idempotencyKey)
          expect(draft.idempotencyKey.startsWith(origin[0]?.executionId ?? '?')).toBe(true);
    }),
    { numRuns: 150 },
  );
}, 60_000);

test('a step that there is not, and an execution without its beginning, are refused', async () => {
  const origin = await recordExecution('task-a', { turns: [{ kind: 'text', text: 'A [1].' }], deaths: [] });
  expect(() => forkedEvents(origin, 99)).toThrow(/has the steps 0 to 2, not 99/);
  expect(() => forkedEvents(origin.slice(1), 1)).toThrow(/no input in the journal/);
});
