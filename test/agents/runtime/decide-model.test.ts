import { expect, test } from 'vitest';
import { modelDecision } from '../../../agents/runtime/decide-model.ts';
import { INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import { RULES, type RunTerms } from '../../../agents/runtime/run-terms.ts';
import { DEFAULT_LIMITS } from '../../../schemas/agent-definition.ts';
import { safetyPolicyOf } from '../../../schemas/safety-policy.ts';

const prompt = { system: '', messages: [], maxOutputTokens: 10 };
const model = (id: string, contextTokens: number) => ({
  id,
  contextTokens,
  price: { inputPerMillionUsd: '0', outputPerMillionUsd: '0' },
});
const decide = (windows: readonly number[], rules?: number) => {
  const terms: RunTerms = {
    ...{ limits: DEFAULT_LIMITS, safety: safetyPolicyOf(undefined), capabilities: [] },
    models: windows.map((window) => model(`of ${window}`, window)),
    ...(rules === undefined ? {} : { rules }),
  };
  return modelDecision(
    INITIAL_STATE,
    terms,
    (window) => ({ prompt, latestShown: window >= 1_000 }),
    { estimate: () => ({ inputTokens: 1, outputTokens: 1 }) } as never,
    0,
  );
};

test('a model whose window does not take the latest message is passed over, and where none does it is said', () => {
  expect(decide([500, 2_000], RULES)).toMatchObject({ kind: 'model', name: 'of 2000' });
  expect(decide([500], RULES)).toMatchObject({
    input: { error: { code: 'model-failed', message: expect.stringContaining('larger window') } },
  });
});

test('journals of before go by what was decided then', () => {
  expect(decide([500, 2_000])).toMatchObject({ kind: 'model', name: 'of 500' });
});
