import { expect, test } from 'vitest';
import { checkAgents } from '../../../agents/runtime/check-agents.ts';
import { randomAgent } from './random-model.ts';

test.each([{ maxSteps: Number.NaN }, { maxMs: Number.POSITIVE_INFINITY }, { maxOutputTokens: -1 }])(
  'a limit that is none is refused at start: %o',
  (limits) => {
    expect(() => checkAgents([randomAgent(limits)])).toThrow(Object.keys(limits)[0]);
  },
);
