/** What a day's counters are rebuilt from, held against the costs of whole executions. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createBudgetFold } from '../../../agents/safety/fold-budgets.ts';
import { dayBefore, dayOf, startOfDay } from '../../../schemas/budget-ledger.ts';
import { DELEGATED } from '../../../schemas/execution-costs.ts';
import { parseUsd } from '../../../schemas/money.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import { eventOf } from '../../support/event-of.ts';

const DAY = '2026-11-21';
const NOON = startOfDay(DAY) * 1_000 + 43_200_000_000;
const HOUR = 3_600_000_000;

const costsOf = (events: readonly AgentEvent[], day = DAY) => {
  const fold = createBudgetFold(day, 'local');
  for (const event of events) fold.add(event);
  return fold.costs();
};
const call = (step: number, at: number, over: Partial<AgentEvent> = {}): AgentEvent =>
  eventOf({ type: 'intent', step, sequence: step, at, reservedUsd: '2', ...over });
const replied = (step: number, at: number, over: Partial<AgentEvent> = {}): AgentEvent =>
  eventOf({ type: 'llm-response', step, sequence: step + 1, at, costUsd: '0.5', ...over });

test('days are UTC', () => {
  expect(dayOf(NOON)).toBe(DAY);
  expect(dayOf(startOfDay(DAY) * 1_000 - 1)).toBe('2026-11-20');
  expect(dayBefore('2026-03-01')).toBe('2026-02-28');
});

test('a reservation counts until its reply, which counts in its place', () => {
  const claim = eventOf({ type: 'claim', at: NOON });
  const open = { costId: 'execution-1:1:1', agent: 'support', tenant: 'acme', usd: '2', settled: false };
  expect(costsOf([claim, call(1, NOON)])).toEqual([open]);
  expect(costsOf([claim, call(1, NOON), replied(1, NOON)])).toEqual([{ ...open, usd: '0.5', settled: true }]);
  // Lost with its worker: counted at the reservation.
  const takenOver = eventOf({ type: 'claim', epoch: 2, worker: 'worker-b', at: NOON });
  expect(costsOf([claim, call(1, NOON), takenOver])).toEqual([open]);
});

test('the day of the intent pays, whenever the reply comes', () => {
  const midnight = startOfDay(DAY) * 1_000;
  const events = [
    eventOf({ type: 'claim', at: midnight - HOUR }),
    call(1, midnight - 1),
    replied(1, midnight + 1),
    call(3, midnight + 2),
  ];
  expect(costsOf(events).map(({ costId }) => costId)).toEqual(['execution-1:1:3']);
  expect(costsOf(events, '2026-11-20').map(({ usd }) => usd)).toEqual(['0.5']);
});

test('what was handed to a sub-task is counted where it is spent, once', () => {
  const claim = eventOf({ type: 'claim', at: NOON });
  const handed = { idempotencyKey: 'task-of-execution-1-1', priceTable: DELEGATED };
  expect(costsOf([claim, call(1, NOON, handed)])).toEqual([]);
  expect(costsOf([claim, call(1, NOON, handed), call(2, NOON)]).map(({ costId }) => costId)).toEqual([
    'execution-1:1:2',
  ]);
});

test('of an execution that began before the stretch every reservation counts', () => {
  const events = [call(7, NOON, { epoch: 3 }), call(8, NOON, { epoch: 5, worker: 'worker-c' })];
  expect(costsOf(events).map(({ costId }) => costId)).toEqual(['execution-1:3:7', 'execution-1:5:8']);
  // Of one that is known from its beginning, only those of whoever held it.
  const claim = eventOf({ type: 'claim', epoch: 5, worker: 'worker-c', at: NOON });
  const of = costsOf([claim, call(7, NOON, { epoch: 3 }), call(1, NOON, { epoch: 5, worker: 'worker-c' })]);
  expect(of.map(({ costId }) => costId)).toEqual(['execution-1:5:1']);
});

test('wherever the stretch begins, no call in it is counted at less', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ execution: fc.nat(3), replies: fc.boolean(), takenOver: fc.boolean() }), {
        minLength: 1,
        maxLength: 30,
      }),
      fc.nat(60),
      (calls, from) => {
        const log: AgentEvent[] = [];
        const standing = new Map<number, { epoch: number; sequence: number }>();
        for (const { execution, replies, takenOver } of calls) {
          const held = standing.get(execution);
          const next = held && !takenOver ? held : { epoch: (held?.epoch ?? 0) + 1, sequence: 0 };
          const place = {
            executionId: `execution-${execution}`,
            epoch: next.epoch,
            worker: `w-${next.epoch}`,
            at: NOON,
          };
          if (next !== held) log.push(eventOf({ type: 'claim', ...place, sequence: 0 }));
          const step = next.sequence + 1;
          log.push(eventOf({ type: 'intent', ...place, step, sequence: step, reservedUsd: '2' }));
          if (replies)
            log.push(eventOf({ type: 'llm-response', ...place, step, sequence: step + 1, costUsd: '0.5' }));
          standing.set(execution, { epoch: next.epoch, sequence: replies ? step + 1 : step });
        }
        const whole = new Map(costsOf(log).map((cost) => [cost.costId, parseUsd(cost.usd)]));
        const part = new Map(costsOf(log.slice(from)).map((cost) => [cost.costId, parseUsd(cost.usd)]));
        for (const event of log.slice(from)) {
          if (event.type !== 'intent') continue;
          const costId = `${event.executionId}:${event.epoch}:${event.step}`;
          expect(part.get(costId)).toBeGreaterThanOrEqual(whole.get(costId) ?? 0n);
        }
      },
    ),
  );
});
