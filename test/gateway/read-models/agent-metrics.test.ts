import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createAgentTallies } from '../../../gateway/read-models/agent-metrics.ts';
import { newEntry, withEvent } from '../../../gateway/read-models/execution-entry.ts';
import { agentHealthOf, waitingOf } from '../../../gateway/views/agent-health.ts';
import { parseUsd } from '../../../schemas/money.ts';
import type { AgentEvent, Feedback } from '../../../schemas/records.ts';
import { RECORDINGS, recordExecution } from '../../agents/replay/recorded-executions.ts';

const tallied = (logs: readonly (readonly AgentEvent[])[]) => {
  const tallies = createAgentTallies();
  let usd = 0n;
  let calls = 0;
  for (const log of logs) {
    let entry = newEntry(log[0]?.taskId ?? '');
    for (const [offset, event] of log.entries()) {
      const after = withEvent(entry, event, { partition: 0, offset });
      entry = after.entry;
      if (after.counts) calls += tallies.event(event, entry)?.calls ?? 0;
    }
    usd += parseUsd(entry.costUsd);
  }
  return { tallies, usd, calls };
};

test('of any executions: what ended adds up, shares are shares, percentiles are in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(RECORDINGS, { minLength: 1, maxLength: 6 }), async (recordings) => {
      const logs = await Promise.all(
        recordings.map((recording, index) => recordExecution(`task-${index}`, recording)),
      );
      const { tallies, usd, calls } = tallied(logs);
      const metrics = tallies.of('random');
      const ended = metrics.completed + metrics.failed + metrics.halted;
      expect([metrics.requests, ended]).toEqual([logs.length, logs.length]);
      expect((metrics.successRate ?? 0) + (metrics.errorRate ?? 0)).toBeCloseTo(1, 3);
      expect(metrics.loopRate).toBeLessThanOrEqual(metrics.errorRate ?? 1);
      expect((metrics.apiCallsPerRequest ?? 0) * logs.length).toBeCloseTo(calls, 2);
      const { p50, p95, p99 } = metrics.latencyMs;
      expect(Number(p50) <= Number(p95) && Number(p95) <= Number(p99)).toBe(true);
      expect(usd - parseUsd(metrics.meanCostUsd ?? '0') * BigInt(ended)).toBeLessThan(BigInt(ended));
      expect(metrics.lately).toHaveLength(Math.min(20, ended));
    }),
    { numRuns: 60 },
  );
});

const feedback = (taskId: string, by: string, score: number): Feedback => ({
  taskId,
  executionId: 'e',
  agent: 'random',
  behaviour: '1',
  tenant: null,
  score,
  comment: null,
  by,
  at: 1,
});

test('of one person about one task the newest feedback holds; read again it changes nothing', () => {
  const tallies = createAgentTallies();
  const given = [
    feedback('a', 'ann', 0),
    feedback('a', 'ann', 1),
    feedback('a', 'bob', 0.5),
    feedback('b', 'ann', 0),
  ];
  for (const each of [...given, ...given]) tallies.feedback(each);
  expect(tallies.of('random')).toMatchObject({ feedbackCount: 3, feedbackScore: 0.5 });
});

test('health says why: how the last ones ended, and that nobody takes tasks', () => {
  const none = { open: 0, oldestMs: null };
  expect(agentHealthOf({ lately: [] }, none).state).toBe('unknown');
  expect(agentHealthOf({ lately: Array(10).fill('completed') }, none).state).toBe('healthy');
  const mixed = agentHealthOf({ lately: [...Array(8).fill('completed'), 'failed', 'halted'] }, none);
  expect(mixed).toEqual({ state: 'degraded', reasons: ['2 of the last 10 executions did not complete'] });
  expect(agentHealthOf({ lately: Array(6).fill('failed') }, none).state).toBe('failing');
  const late = agentHealthOf({ lately: [] }, { open: 1, oldestMs: 60_000 });
  expect(late.state).toBe('degraded');
  expect(late.reasons[0]).toContain('is the agents role running?');
});

test('what is not to begin yet, or is behind another of its session, waits for no worker', () => {
  const task = (createdAt: number, notBefore: number | null = null, sessionId: string | null = null) => ({
    ...{ createdAt, notBefore, sessionId },
  });
  const now = 100_000_000;
  const oldest = (pending: readonly ReturnType<typeof task>[]) =>
    waitingOf(pending, [task(1), task(2, null, 's')], now).oldestMs;
  expect(oldest([task(10_000_000, now + 1), task(20_000_000, null, 's')])).toBe(null);
  expect(oldest([task(10_000_000, 60_000_000), task(90_000_000), task(0)])).toBe(40_000);
  expect(waitingOf([task(10_000_000, now + 1)], [], now).open).toBe(1);
});
