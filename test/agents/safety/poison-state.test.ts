import { expect, test } from 'vitest';
import { afterClaimEvent, NO_CLAIMS, poisonVerdict } from '../../../agents/safety/poison-state.ts';
import type { AgentEvent } from '../../../schemas/records.ts';

const verdictAfter = (...events: readonly (readonly [AgentEvent['type'], string, string?])[]): string =>
  poisonVerdict(
    events.reduce(
      (history, [type, worker, name = null]) => afterClaimEvent(history, { type, worker, name }),
      NO_CLAIMS,
    ),
  ).kind;

test('a task that killed two workers in a row is quarantined, one death is none yet', () => {
  expect(verdictAfter(['claim', 'a'], ['request', 'a'])).toBe('fine');
  expect(verdictAfter(['claim', 'a'], ['request', 'a'], ['claim', 'b'])).toBe('fine');
  expect(verdictAfter(['claim', 'a'], ['claim', 'b'], ['claim', 'c'])).toBe('poison');
});

test('whatever is journaled under a claim clears it', () => {
  for (const type of ['intent', 'tool-call', 'llm-response', 'error', 'memory-update', 'checkpoint'] as const)
    expect(verdictAfter(['claim', 'a'], ['claim', 'b'], [type, 'b'], ['claim', 'c'])).toBe('fine');
});

test('what is begun to be undone clears nothing until it is undone: two workers that die of it are two deaths', () => {
  const undoing = (worker: string) =>
    [
      ['claim', worker],
      ['checkpoint', worker, 'undo'],
    ] as const;
  expect(verdictAfter(...undoing('a'), ...undoing('b'), ['claim', 'c'])).toBe('poison');
  expect(verdictAfter(...undoing('a'), ...undoing('b'), ['checkpoint', 'b', 'undone'], ['claim', 'c'])).toBe(
    'fine',
  );
});

test('a worker that claims again is alive', () => {
  expect(verdictAfter(['claim', 'a'], ['claim', 'a'], ['claim', 'a'])).toBe('fine');
});

test('two deaths apart are none in a row', () => {
  expect(
    verdictAfter(['claim', 'a'], ['claim', 'b'], ['tool-call', 'b'], ['claim', 'c'], ['claim', 'd']),
  ).toBe('fine');
});
