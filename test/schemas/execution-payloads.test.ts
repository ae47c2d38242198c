import { expect, test } from 'vitest';
import { parseTerminalOutput, parseUserInput } from '../../schemas/execution-payloads.ts';

test('a question is known by its text and its time; of another shape is nothing that a record is made of', () => {
  const input = {
    ...{ text: 'why?', principal: 'ann', feature: 'help', budget: null },
    ...{ createdAt: 1_700_000_000_000_000, priority: 3 },
  };
  expect(parseUserInput(JSON.stringify(input))).toEqual(input);
  const odd = { ...input, principal: 5, feature: ['help'] };
  expect(parseUserInput(JSON.stringify(odd))).toEqual({ ...input, principal: null, feature: null });
  for (const createdAt of [1.5, 1e300, '1', null])
    expect(parseUserInput(JSON.stringify({ ...input, createdAt }))).toBeNull();
  for (const text of [null, '', '{', '[]', '"text"', '{"text":"why?"}'])
    expect(parseUserInput(text)).toBeNull();
});

test('an end is known by its outcome; what else it says is of its shape, or as if it were not said', () => {
  const output = {
    ...{ outcome: 'completed', output: { labels: [1] }, partial: null, receipt: { hits: 1 } },
    ...{ steps: 4, startedAt: 1_700_000_000_000_000 },
  };
  expect(parseTerminalOutput(JSON.stringify(output))).toEqual(output);
  const capped = { ...output, bounds: { inputTokens: 5, outputTokens: 1 } };
  expect(parseTerminalOutput(JSON.stringify(capped))).toEqual(capped);
  const bare = { outcome: 'halted', output: null, partial: null, receipt: null, steps: 0, startedAt: 0 };
  expect(parseTerminalOutput('{"outcome":"halted"}')).toEqual(bare);
  for (const steps of [-1, 1.5, 2 ** 31, '4'])
    expect(parseTerminalOutput(JSON.stringify({ outcome: 'halted', steps, startedAt: 0.5 }))).toEqual(bare);
  for (const text of [null, '', '{', '[]', '{"outcome":"done"}'])
    expect(parseTerminalOutput(text)).toBeNull();
});
