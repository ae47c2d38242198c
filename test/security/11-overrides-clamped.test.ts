/** Attack 11: a task that asks for more steps and money than its agent's definition allows. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldEvents } from '../../agents/runtime/fold-events.ts';
import { limitsOf } from '../../agents/runtime/run-terms.ts';
import { totalUsd } from '../../schemas/execution-costs.ts';
import { parseUsd } from '../../schemas/money.ts';
import { randomAgent, scriptedModel } from '../agents/runtime/random-model.ts';
import { simulate } from '../agents/runtime/simulated-journal.ts';

const OWN = { maxSteps: 3, maxUsd: '0.05', maxMs: 600_000, maxApprovalMs: 1_000, maxOutputTokens: 100 };
const agent = randomAgent(OWN);

test('whatever a budget asks for, no limit is above the definition, and those it cannot name stay', () => {
  const usd = fc.integer({ min: 0, max: 10_000_000 }).map((cents) => (cents / 100).toFixed(2));
  fc.assert(
    fc.property(
      fc.option(usd),
      fc.option(fc.integer()),
      fc.dictionary(fc.constantFrom('maxMs', 'maxOutputTokens', 'models'), fc.integer()),
      (maxUsd, maxSteps, more) => {
        const limits = limitsOf(agent, { ...more, maxUsd, maxSteps });
        const isLower = maxUsd !== null && Number(maxUsd) < Number(OWN.maxUsd);
        expect(parseUsd(limits.maxUsd)).toBe(parseUsd(isLower ? maxUsd : OWN.maxUsd));
        expect(limits.maxSteps).toBe(Math.max(0, Math.min(OWN.maxSteps, maxSteps ?? OWN.maxSteps)));
        expect(limits).toEqual({ ...OWN, maxUsd: limits.maxUsd, maxSteps: limits.maxSteps });
      },
    ),
  );
  expect(() => limitsOf(agent, { maxUsd: '1e9', maxSteps: null })).toThrow(RangeError);
});

test.each([
  ['steps', 'step-cap', OWN, { maxUsd: null, maxSteps: 1_000_000 }],
  ['money', 'money-cap', { ...OWN, maxUsd: '0.003', maxSteps: 100 }, { maxUsd: '1000000', maxSteps: null }],
])("a task that asks for more %s runs under its agent's, and halts there", async (_, code, own, budget) => {
  const turns = ['look', 'break', 'nothing-like-it'].map((name) => ({
    kind: 'tools' as const,
    names: [name],
  }));
  const limited = randomAgent(own);
  const simulation = simulate({ agent: limited, models: [scriptedModel('first', turns)], budget });
  await simulation.run('worker-a');
  const { terms, costs } = foldEvents(simulation.log);
  expect(terms?.limits).toEqual(own);
  expect(terms?.models.map(({ id }) => id)).toEqual(['first']);
  expect(simulation.log.at(-1)).toMatchObject({ name: 'halted', error: { code } });
  expect(totalUsd(costs) <= parseUsd(own.maxUsd)).toBe(true);
});
