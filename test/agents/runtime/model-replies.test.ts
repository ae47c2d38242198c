/** What of a model's reply goes on: its thinking into the next request, its cached tokens into what it cost. */
import { expect, test } from 'vitest';
import { replayRecorded } from '../../../agents/replay/replay-execution.ts';
import type {
  LanguageModel,
  ModelPrompt,
  ModelReply,
} from '../../../connectors/models/language/language-model.ts';
import { randomAgent, scriptedModel } from './random-model.ts';
import { simulate } from './simulated-journal.ts';

const THINKING = {
  model: 'first',
  blocks: [{ afterText: 0, afterCalls: 0, text: 'Look first.', signature: 'c2ln' }],
};

/** Thinks and calls a tool, then answers; most of each prompt is in its cache. */
const thinkingModel = (asked: ModelPrompt[]): LanguageModel => ({
  ...scriptedModel('first', []),
  price: {
    ...{ inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
    ...{ cachedInputPerMillionUsd: '0.3', cacheWritePerMillionUsd: '3.75' },
  },
  generate: async (prompt): Promise<ModelReply> => {
    const { messages, system, maxOutputTokens } = prompt;
    asked.push({ messages, system, maxOutputTokens });
    const usage = {
      ...{ inputTokens: 1_000, outputTokens: 10, cachedInputTokens: 800, cacheWriteTokens: 100 },
      reported: true,
    };
    return messages.some(({ role }) => role === 'tool')
      ? { text: 'Thirty days.', toolCalls: [], finishReason: 'stop', usage }
      : {
          ...{ text: '', finishReason: 'tool-calls', usage, thinking: THINKING },
          toolCalls: [{ id: 'call-0', name: 'look', arguments: {} }],
        };
  },
});

test('thinking stands in the journal and in the next request, and a replay comes to the same', async () => {
  const asked: ModelPrompt[] = [];
  const agent = randomAgent({ maxUsd: '5' });
  const simulation = simulate({ agent, models: [thinkingModel(asked)] });
  await simulation.run('worker-a');
  expect(asked).toHaveLength(2);
  expect(asked[1]?.messages.find(({ role }) => role === 'assistant')).toMatchObject({ thinking: THINKING });
  const replay = replayRecorded(simulation.log, [agent]);
  expect(replay.identical).toBe(true);
});

test('cached tokens cost what the table says, and its entry names both prices', async () => {
  const simulation = simulate({ agent: randomAgent({ maxUsd: '5' }), models: [thinkingModel([])] });
  await simulation.run('worker-a');
  const reply = simulation.log.find(({ type }) => type === 'llm-response');
  // (100 × 3 + 800 × 0.3 + 100 × 3.75 + 10 × 15) / 1,000,000
  expect(reply?.costUsd).toBe('0.001065');
  expect(reply?.usage).toEqual({ inputTokens: 1_000, outputTokens: 10, cachedInputTokens: 800 });
  expect(reply?.priceTable).toBe('3/15, cached 0.3, cache write 3.75 USD per million tokens');
  expect(JSON.parse(reply?.output ?? '')).toMatchObject({ cacheWriteTokens: 100 });
});
