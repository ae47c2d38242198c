import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advanceCosts, type ExecutionCosts, NO_COSTS, totalUsd } from '../../schemas/execution-costs.ts';
import { advanceOrder, type ExecutionOrder, UNCLAIMED } from '../../schemas/execution-order.ts';
import { parseUsd } from '../../schemas/money.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { eventOf } from '../support/event-of.ts';

const fold = (
  events: readonly AgentEvent[],
): { order: ExecutionOrder; costs: ExecutionCosts; counted: AgentEvent[] } => {
  let order = UNCLAIMED;
  let costs = NO_COSTS;
  const counted: AgentEvent[] = [];
  for (const event of events) {
    const next = advanceOrder(order, event);
    costs = advanceCosts(costs, event, next !== null);
    if (next) counted.push(event);
    order = next ?? order;
  }
  return { order, costs, counted };
};

/** What one worker appends under one claim, in its own order. */
const lifeOf = (worker: string, epoch: number, steps: number, ends: boolean): AgentEvent[] => [
  eventOf({ type: 'claim', epoch, worker, sequence: 0 }),
  ...Array.from({ length: steps }, (_, index) => [
    eventOf({ type: 'intent', epoch, worker, sequence: 1 + 2 * index, step: index + 1, reservedUsd: '0.5' }),
    eventOf({
      type: 'llm-response',
      epoch,
      worker,
      sequence: 2 + 2 * index,
      step: index + 1,
      costUsd: '0.1',
    }),
  ]).flat(),
  ...(ends ? [eventOf({ type: 'response', epoch, worker, sequence: 1 + 2 * steps })] : []),
];

const LIVES = fc.array(
  fc.record({ epoch: fc.integer({ min: 1, max: 3 }), steps: fc.nat(3), ends: fc.boolean() }),
  { minLength: 1, maxLength: 4 },
);

/** Lives woven into one log, each in its own order. */
const woven = (lives: readonly AgentEvent[][], chances: readonly number[]): AgentEvent[] => {
  const rest = lives.map((life) => [...life]);
  const log: AgentEvent[] = [];
  for (let at = 0; rest.some((life) => life.length > 0); at += 1) {
    const open = rest.filter((life) => life.length > 0);
    const next = open[(chances[at % chances.length] ?? 0) % open.length]?.shift();
    if (next) log.push(next);
  }
  return log;
};

test('zombies change nothing: only events under the claim that holds count, and at most one ends it (I2)', () => {
  fc.assert(
    fc.property(LIVES, fc.array(fc.nat(10), { minLength: 1 }), (lives, chances) => {
      const log = woven(
        lives.map(({ epoch, steps, ends }, index) => lifeOf(`worker-${index}`, epoch, steps, ends)),
        chances,
      );
      const { counted, order } = fold(log);
      let holder: AgentEvent | undefined;
      for (const event of counted) {
        if (event.type === 'claim') {
          expect(event.epoch).toBeGreaterThan(holder?.epoch ?? 0);
          holder = event;
        } else expect([event.epoch, event.worker]).toEqual([holder?.epoch, holder?.worker]);
      }
      expect(counted.filter((event) => event.type === 'response').length).toBe(order.ended ? 1 : 0);
    }),
    { numRuns: 500 },
  );
});

test('of two claims of one epoch the first in the log wins, and what the other writes does not count', () => {
  const first = lifeOf('worker-a', 1, 1, true);
  const second = lifeOf('worker-b', 1, 1, true);
  const [claimA, ...restA] = first;
  const [claimB, ...restB] = second;
  if (!claimA || !claimB) throw new Error('no claims');
  expect(fold([claimB, claimA, ...restA, ...restB]).counted.map(({ worker }) => worker)).toEqual(
    second.map(() => 'worker-b'),
  );
});

test('every reply is paid for, whoever made it, and a repeated event is paid for once (I3)', () => {
  fc.assert(
    fc.property(LIVES, fc.array(fc.nat(10), { minLength: 1 }), fc.boolean(), (lives, chances, twice) => {
      const log = woven(
        lives.map(({ epoch, steps, ends }, index) =>
          lifeOf(`worker-${index}`, epoch * 10 + index, steps, ends),
        ),
        chances,
      );
      const { costs } = fold(twice ? log.flatMap((event) => [event, event]) : log);
      const replies = log.filter((event) => event.type === 'llm-response').length;
      const settled = [...costs.values()].filter(({ state }) => state === 'settled');
      expect(settled.reduce((sum, cost) => sum + parseUsd(cost.usd), 0n)).toBe(
        BigInt(replies) * parseUsd('0.1'),
      );
      expect(totalUsd(costs) >= BigInt(replies) * parseUsd('0.1')).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test('an event after one that never reached the log does not count: nothing is built on a gap', () => {
  const [claim, , reply] = lifeOf('worker-a', 1, 1, false);
  if (!claim || !reply) throw new Error('no events');
  expect(fold([claim, reply]).counted).toEqual([claim]);
});
