import fc from 'fast-check';
import { expect, test } from 'vitest';
import { estimatePrompt } from '../../../agents/replay/estimate-prompt.ts';
import { whatIf } from '../../../agents/replay/what-if.ts';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import { AGENT, RECORDINGS, recordExecution } from './recorded-executions.ts';

const LOOK_TWICE = {
  turns: [
    { kind: 'tools', names: ['look'] },
    { kind: 'tools', names: ['look'] },
    { kind: 'text', text: 'Done [1].' },
  ],
  deaths: [],
} as const;

test('the behaviour that ran goes along with the whole of any recording, at the cost that was paid', async () => {
  await fc.assert(
    fc.asyncProperty(RECORDINGS, async (recording) => {
      const events = await recordExecution('task-a', recording);
      const result = whatIf(events, AGENT, estimatePrompt);
      expect(result.leaves).toBeNull();
      expect(result.ended).toBe(true);
      expect(result.calls.every((call) => !call.changed)).toBe(true);
      expect(result.candidateUsd).toBe(result.recordedUsd);
      const replies = events.filter((event) => event.type === 'llm-response');
      expect(result.calls.length).toBeLessThanOrEqual(replies.length);
    }),
    { numRuns: 100 },
  );
});

test('longer instructions cost more by estimate, and change no decision that the record can tell', async () => {
  const events = await recordExecution('task-a', LOOK_TWICE);
  const wordy = {
    ...AGENT,
    version: '2',
    instructions: `${AGENT.instructions} ${'Think it over. '.repeat(50)}`,
  };
  const result = whatIf(events, wordy, estimatePrompt);
  expect(result.leaves).toBeNull();
  expect(result.calls).toHaveLength(3);
  for (const call of result.calls) {
    expect(call.changed).toBe(true);
    expect(call.candidateInputTokens).toBeGreaterThan(call.recordedInputTokens);
  }
  expect(Number(result.candidateUsd)).toBeGreaterThan(Number(result.recordedUsd));
  expect([result.recorded, result.candidate]).toEqual(['1', '2']);
});

test('a candidate without a tool that was called leaves the record there, and nothing is told of after', async () => {
  const events = await recordExecution('task-a', LOOK_TWICE);
  const tools = AGENT.tools?.filter(({ name }) => name !== 'look') ?? [];
  const result = whatIf(events, { ...AGENT, version: '2', tools }, estimatePrompt);
  expect(result.leaves).toMatchObject({
    step: 3,
    recorded: { kind: 'tool', name: 'look' },
    candidate: { kind: 'refuse-tool', name: 'look' },
  });
  expect(result.calls).toHaveLength(1);
});

test("a candidate's own caps decide: with fewer steps it would have halted", async () => {
  const events = await recordExecution('task-a', LOOK_TWICE);
  const result = whatIf(
    events,
    { ...AGENT, version: '2', limits: { ...AGENT.limits, maxSteps: 3 } },
    estimatePrompt,
  );
  expect(result.leaves).toMatchObject({ candidate: { kind: 'respond', name: 'halted' } });
  // Money that the record spent beyond the candidate's cap is no money of the candidate's.
  const spent = foldEvents(events).costs.size;
  expect(result.calls.length).toBeLessThan(spent);
});

test("a candidate's own safety decides: allowed one call of the tool, it would have been refused the second", async () => {
  const events = await recordExecution('task-a', LOOK_TWICE);
  const result = whatIf(events, { ...AGENT, version: '2', safety: { maxCallsPerTool: 1 } }, estimatePrompt);
  expect(result.leaves).toMatchObject({
    recorded: { kind: 'tool', name: 'look' },
    candidate: { kind: 'respond', name: 'halted' },
  });
  expect(result.calls).toHaveLength(2);
});

test('a candidate that retrieves otherwise leaves at the retrieval: what it would have found is not in the record', async () => {
  const events = await recordExecution('task-a', LOOK_TWICE);
  const result = whatIf(events, { ...AGENT, version: '2', retrieve: { topK: 9 } }, estimatePrompt);
  expect(result).toMatchObject({ followed: 0, leaves: { step: 1, candidate: { kind: 'retrieve' } } });
});
