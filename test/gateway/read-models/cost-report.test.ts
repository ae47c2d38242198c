import fc from 'fast-check';
import { expect, test } from 'vitest';
import { foldEvents } from '../../../agents/runtime/fold-events.ts';
import { COST_GROUPS, costReport } from '../../../gateway/read-models/cost-report.ts';
import { createPartitionProjection } from '../../../pipelines/project-executions/partition-projection.ts';
import { totalUsd } from '../../../schemas/execution-costs.ts';
import { formatUsd, parseUsd } from '../../../schemas/money.ts';
import type { AgentEvent, Cost } from '../../../schemas/records.ts';
import { interleave, RECORDINGS, recordExecution } from '../../agents/replay/recorded-executions.ts';

/** The ledger of a log: the last of every cost id. */
const ledgerOf = (log: readonly AgentEvent[]): readonly Cost[] => {
  const costs = new Map<string, Cost>();
  const { records } = createPartitionProjection().plan(log.map((event, offset) => ({ event, offset })));
  for (const each of records) if (each.name === 'Cost') costs.set(each.record.costId, each.record);
  return [...costs.values()];
};

test('of any journal, every grouping adds up to the ledger, and the ledger to what the executions folded (I3)', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(RECORDINGS, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(5), { minLength: 1, maxLength: 30 }),
      async (recordings, picks) => {
        const logs = await Promise.all(
          recordings.map(async (recording, index) => {
            const log = await recordExecution(`task-${index}`, recording);
            return log.map((event) => ({ ...event, agent: index % 2 === 0 ? 'even' : 'odd' }));
          }),
        );
        const costs = ledgerOf(interleave(logs, picks));
        const folded = logs.reduce((sum, log) => sum + totalUsd(foldEvents(log).costs), 0n);
        for (const by of COST_GROUPS) {
          const report = costReport(costs, by);
          expect(report.usd).toBe(formatUsd(folded));
          expect(report.groups.reduce((sum, { usd }) => sum + parseUsd(usd), 0n)).toBe(folded);
          expect(report.groups.reduce((sum, { calls }) => sum + calls, 0)).toBe(costs.length);
          expect(report.agents.reduce((sum, { usd }) => sum + parseUsd(usd), 0n)).toBe(folded);
          for (const { executions, distribution, perExecution, usd, why } of report.agents) {
            expect(distribution.reduce((sum, each) => sum + each.executions, 0)).toBe(executions);
            const mean = parseUsd(perExecution.mean) * BigInt(executions);
            expect(parseUsd(usd) - mean).toBeLessThan(BigInt(executions));
            expect(why.byStep.reduce((sum, each) => sum + parseUsd(each.usd), 0n)).toBe(parseUsd(usd));
            expect(parseUsd(perExecution.p50) <= parseUsd(perExecution.p95)).toBe(true);
            expect(parseUsd(perExecution.p95) <= parseUsd(perExecution.max)).toBe(true);
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

const costOf = (part: Partial<Cost> & Pick<Cost, 'costId' | 'executionId' | 'agent' | 'usd'>): Cost => ({
  taskId: 'task',
  tenant: null,
  feature: null,
  tool: null,
  model: 'm',
  step: 1,
  inputTokens: 0,
  outputTokens: 0,
  cachedInputTokens: 0,
  priceTable: '',
  settled: true,
  kind: 'model',
  outcome: 'done',
  at: 1,
  ...part,
});

test('one agent costs so many times as much as another, and the sentence says why', () => {
  const costs = [
    costOf({
      costId: 'a1',
      executionId: 'a',
      agent: 'support',
      usd: '0.01',
      inputTokens: 1_000,
      outputTokens: 100,
    }),
    ...[1, 2, 3].map((n) =>
      costOf({
        costId: `b${n}`,
        executionId: 'b',
        agent: 'digest',
        usd: '0.02',
        inputTokens: 2_000,
        outputTokens: 100,
      }),
    ),
    costOf({ costId: 'b4', executionId: 'b', agent: 'digest', usd: '0.02', outcome: 'lost', settled: false }),
    costOf({
      costId: 'b5',
      executionId: 'b',
      agent: 'digest',
      usd: '0.01',
      kind: 'tool',
      tool: 'translate',
      model: '',
    }),
    costOf({ costId: 'e', executionId: 'embedding', agent: 'embedding', usd: '5', kind: 'embedding' }),
  ];
  const { agents, comparison, groups, usd } = costReport(costs, 'step');
  expect(agents.map(({ name }) => name)).toEqual(['digest', 'support']);
  expect(comparison).toHaveLength(1);
  const [sentence] = comparison;
  expect(sentence).toMatch(
    /^digest costs 0\.0900 USD per execution, 9\.0 times as much as support \(0\.0100\): /,
  );
  expect(sentence).toContain('5.0 times the calls per execution');
  expect(sentence).toContain('2.0 times the input tokens per call');
  expect(sentence).toContain('22 % of it on calls that failed or were lost');
  expect(sentence).toContain('11 % of it on tools');
  expect(groups.map(({ name, usd: each }) => [name, each])).toEqual([
    ['embedding', '5'],
    ['model', '0.07'],
    ['model, lost', '0.02'],
    ['tool translate', '0.01'],
  ]);
  expect(usd).toBe('5.1');
});

test('cached input is summed, and less of it is a reason', () => {
  const call = { inputTokens: 1_000, outputTokens: 100 };
  const costs = [
    costOf({
      ...call,
      costId: 'a1',
      executionId: 'a',
      agent: 'support',
      usd: '0.01',
      cachedInputTokens: 800,
    }),
    costOf({ ...call, costId: 'b1', executionId: 'b', agent: 'digest', usd: '0.02', cachedInputTokens: 100 }),
  ];
  const { agents, comparison, groups } = costReport(costs, 'model');
  expect(groups).toMatchObject([{ name: 'm', inputTokens: 2_000, cachedInputTokens: 900 }]);
  expect(agents.map(({ name, why }) => [name, why.cachedShare])).toEqual([
    ['digest', 0.1],
    ['support', 0.8],
  ]);
  expect(comparison[0]).toContain('10 % of its input cached, where the other has 80 %');
});

test('what an execution costs is said of those that cost anything, and a summary of a conversation is none', () => {
  const costs = [
    costOf({ costId: 'a', executionId: 'a', agent: 'support', usd: '0.4' }),
    costOf({ costId: 'b', executionId: 'b', agent: 'support', usd: '0' }),
    costOf({ costId: 'm', executionId: 'm', agent: 'support', usd: '3', feature: 'memory' }),
  ];
  const [support] = costReport(costs, 'agent').agents;
  expect(support).toMatchObject({
    ...{ usd: '3.4', executions: 2 },
    perExecution: { mean: '0.4', p50: '0.4', p95: '0.4', max: '0.4' },
  });
});
