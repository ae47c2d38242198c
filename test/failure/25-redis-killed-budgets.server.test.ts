/**
 * Fault 25: Redis is killed again and again, and comes back knowing nothing, while 50 executions on three workers spend
 * one agent's money of the day. Calls are denied until the journal was folded to its end, and what is spent and reserved
 * together never goes above the budget. At the end journal, ledger and meter agree (I3).
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openCallGuards } from '../../agents/safety/call-guards.ts';
import { createBudgetRebuilder, readDailyCosts } from '../../agents/safety/rebuild-budgets.ts';
import { openRedisBudgetLedger } from '../../connectors/redis/redis-budget-ledger.ts';
import { openSharedBreakers } from '../../connectors/redis/shared-breaker.ts';
import { dayOf, startOfDay } from '../../schemas/budget-ledger.ts';
import { systemClock } from '../../schemas/clock.ts';
import { createControlView } from '../../schemas/control-view.ts';
import { formatUsd, parseUsd } from '../../schemas/money.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type AgentsStack, openAgentsStack } from '../agents/agents-stack.ts';
import { eventOf } from '../support/event-of.ts';
import { startTestStack, type TestStack } from '../support/own-stack.ts';
import { until } from '../support/until.ts';

const AGENT = `spender-${randomUUID().slice(0, 8)}`;
const TENANT = `tenant-${randomUUID().slice(0, 8)}`;
const LIMIT = '3';
const RESERVED = '0.02';
const EXECUTIONS = 50;
const WORKERS = 3;
const KILLS = 3;
const NOON_MICROS = 43_200_000_000;

let own: TestStack;
let stack: AgentsStack;
beforeAll(async () => {
  [own, stack] = await Promise.all([startTestStack({ servers: ['redis'] }), openAgentsStack()]);
});
afterAll(async () => {
  await stack?.close();
  await own?.stop();
});

const journal = (event: AgentEvent): Promise<unknown> =>
  stack.writer.append([
    {
      topic: TOPICS.agentEvents.name,
      key: event.taskId,
      value: stack.codec.encode('AgentEvent', event),
    },
  ]);

test('a budget stands while Redis loses all it knows', async () => {
  // Noon of today at the start: a run over midnight is of one day.
  const started = systemClock();
  const day = dayOf(started);
  const clock = (): number => startOfDay(day) * 1_000 + NOON_MICROS + systemClock() - started;
  const reading = {
    kafka: stack.kafka,
    codec: stack.codec,
    localTenant: 'nobody',
    onUnreadable: () => undefined,
  };
  const view = createControlView();
  const workers = await Promise.all(
    Array.from({ length: WORKERS }, async () => {
      const ledger = await openRedisBudgetLedger({ url: own.redis, clock });
      const rebuilder = createBudgetRebuilder({ ...reading, ledger });
      const breakers = await openSharedBreakers({ url: own.redis, group: AGENT });
      const guards = openCallGuards({ ledger, rebuilder, breakers, view, onTrouble: () => undefined });
      return { ledger, guards, rebuilder, breakers };
    }),
  );
  /** What a provider would have been asked for at most, and what it charged. */
  let underway = 0n;
  let metered = 0n;
  let highest = 0n;
  const denials = { unknown: 0, budget: 0 };
  let stopped = false;
  let kills = 0;
  /** There is money left for every kill: else all might be spent before the last, and nothing would flow under it. */
  const isItsTurn = (): boolean =>
    kills === KILLS || underway + metered < (parseUsd(LIMIT) * BigInt(kills + 1)) / BigInt(KILLS + 1);

  const execution = async (number: number): Promise<void> => {
    const worker = workers[number % WORKERS];
    if (!worker) throw new Error('no worker');
    const taskId = `budget-${AGENT}-${number}`;
    const identity = { executionId: `execution-${taskId}`, taskId, agent: AGENT, tenant: TENANT, epoch: 1 };
    let sequence = 0;
    const write = async (part: Partial<AgentEvent> & Pick<AgentEvent, 'type'>): Promise<AgentEvent> => {
      const event = eventOf({ ...identity, sequence, at: clock(), ...part });
      sequence += 1;
      await journal(event);
      return event;
    };
    await write({ type: 'claim' });
    for (let step = 1; !stopped; step += 1) {
      await until('it is its turn', isItsTurn, { every: 5 });
      const costId = `${identity.executionId}:1:${step}`;
      const { at } = await write({ type: 'intent', step, name: 'model', reservedUsd: RESERVED });
      const reservation = {
        ...{ costId, agent: AGENT, tenant: TENANT, usd: RESERVED, at },
        limits: { agentUsd: LIMIT, tenantUsd: null },
      };
      const first = await worker.ledger.reserve(reservation);
      if (!first.allowed && first.code === 'budget-unknown') denials.unknown += 1;
      // The same again: what was allowed is allowed, what was not known is waited for.
      const usdPerDay = { agent: LIMIT, tenant: null };
      const denied = await worker.guards.reserve({ ...reservation, usdPerDay }, new AbortController().signal);
      if (denied) {
        denials.budget += 1;
        const error = { ...denied, retryable: false };
        await write({ type: 'error', step, name: 'model', error, costUsd: '0' });
        await worker.ledger.settle({ costId, usd: '0' });
        return;
      }
      underway += parseUsd(RESERVED);
      highest = underway + metered > highest ? underway + metered : highest;
      await sleep(20 + ((number * 7 + step * 13) % 60));
      const usd = formatUsd(parseUsd('0.001') * BigInt(1 + ((number + step) % 20)) + BigInt(number));
      underway -= parseUsd(RESERVED);
      metered += parseUsd(usd);
      await write({ type: 'llm-response', step, name: 'model', costUsd: usd });
      await worker.ledger.settle({ costId, usd });
    }
  };

  const killing = (async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = metered;
      await until('money flows', () => metered > before + parseUsd('0.1') || stopped);
      await own.killServer('redis');
      await sleep(100);
      await own.startServer('redis');
      kills += 1;
    }
  })();
  await Promise.all([...Array.from({ length: EXECUTIONS }, (_, number) => execution(number)), killing]);
  stopped = true;

  expect(denials.unknown).toBeGreaterThanOrEqual(KILLS);
  expect(denials.budget).toBe(EXECUTIONS);
  expect(highest).toBeLessThanOrEqual(parseUsd(LIMIT));
  // It was used up: what is left does not hold one more reservation.
  expect(metered).toBeGreaterThan(parseUsd(LIMIT) - 2n * parseUsd(RESERVED));

  // A last loss, and the journal alone says what was spent.
  await own.killServer('redis');
  await own.startServer('redis');
  const [first] = workers;
  await until('the day is counted again', () =>
    first?.rebuilder.ensure(day).then(
      () => true,
      () => false,
    ),
  );
  const spending = await first?.ledger.spending(day, { agents: [AGENT], tenants: [TENANT] });
  expect(spending).toEqual({
    day,
    known: true,
    agents: { [AGENT]: formatUsd(metered) },
    tenants: { [TENANT]: formatUsd(metered) },
  });
  const costs = (await readDailyCosts(reading, day)).filter(({ agent }) => agent === AGENT);
  expect(costs.every(({ settled }) => settled)).toBe(true);
  expect(formatUsd(costs.reduce((sum, { usd }) => sum + parseUsd(usd), 0n))).toBe(formatUsd(metered));
  await Promise.all(workers.flatMap(({ ledger, breakers }) => [ledger.close(), breakers.close()]));
}, 360_000);
