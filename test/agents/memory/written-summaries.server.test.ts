/** Summaries by a model are calls of their agent's: held to its models, breakers, kill switch and money, and to what is forgotten under way. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { forgetSession } from '../../../agents/memory/forget-memories.ts';
import { cutOf, memoryRecord, SUMMARISED } from '../../../agents/memory/memory-record.ts';
import type { OpenedAgentMemory } from '../../../agents/memory/open-agent-memory.ts';
import { openCallGuards } from '../../../agents/safety/call-guards.ts';
import { type HeardControls, openHeardControls } from '../../../agents/safety/heard-controls.ts';
import { createBudgetRebuilder, readDailyCosts } from '../../../agents/safety/rebuild-budgets.ts';
import type { LanguageModel } from '../../../connectors/models/language/language-model.ts';
import { ModelError } from '../../../connectors/models/language/model-error.ts';
import { openRedisBudgetLedger } from '../../../connectors/redis/redis-budget-ledger.ts';
import { openSharedBreakers } from '../../../connectors/redis/shared-breaker.ts';
import { dayOf } from '../../../schemas/budget-ledger.ts';
import { systemClock } from '../../../schemas/clock.ts';
import { type ControlSignal, signalRecord } from '../../../schemas/control-signals.ts';
import { memoryPolicyOf } from '../../../schemas/memory-policy.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { until } from '../../support/until.ts';
import { type MemoryPlane, openMemoryPlane } from './memory-plane.ts';

const RUN = randomUUID().slice(0, 8);
const PLAIN = `plain-${RUN}`;
const FRUGAL = `frugal-${RUN}`;
const POLICY = memoryPolicyOf({ session: { ttlMs: 600_000 }, longTerm: {} });
/** Of a call: 1,000 tokens in and 100 out at most, and half of it in truth. */
const MOST_USD = '0.0045';
const PAID_USD = '0.00225';

let plane: MemoryPlane;
let opened: OpenedAgentMemory;
let control: HeardControls;
let ledger: Awaited<ReturnType<typeof openRedisBudgetLedger>>;
const closings: (() => Promise<unknown>)[] = [];
const asked: string[] = [];
/** Before a summary is appended, the index is asked for its like. */
let onSearch = async (): Promise<void> => undefined;
let generate: (id: string, signal: AbortSignal | undefined) => Promise<string>;

const writerModel = (id: string): LanguageModel => ({
  id,
  price: { inputPerMillionUsd: '3', outputPerMillionUsd: '15' },
  contextTokens: 100_000,
  estimate: () => ({ inputTokens: 1_000, outputTokens: 100 }),
  generate: async ({ signal }) => {
    asked.push(id);
    const text = await generate(id, signal);
    const usage = { inputTokens: 500, outputTokens: 50, cachedInputTokens: 0, reported: true };
    return { text, toolCalls: [], finishReason: 'stop', usage };
  },
});
const FIRST = `first-${RUN}`;
const SECOND = `second-${RUN}`;

const reading = () => ({
  kafka: plane.kafka,
  codec: plane.codec,
  localTenant: 'acme',
  onUnreadable: () => undefined,
});

beforeAll(async () => {
  const stack = inject('stack');
  plane = await openMemoryPlane(stack, new Map([PLAIN, FRUGAL].map((name) => [name, POLICY])), false);
  closings.push(plane.close);
  const onTrouble = (): void => undefined;
  const { kafka, codec } = plane;
  control = await openHeardControls({ kafka, codec, localTenant: 'acme', onTrouble });
  closings.push(control.close);
  ledger = await openRedisBudgetLedger({ url: stack.redis, clock: systemClock, prefix: RUN });
  closings.push(ledger.close);
  const breakers = await openSharedBreakers({
    ...{ url: stack.redis, group: RUN },
    settingsOf: () => ({ failures: 1, openMs: 600_000 }),
  });
  closings.push(breakers.close);
  const rebuilder = createBudgetRebuilder({ ...reading(), ledger });
  await rebuilder.ensure(dayOf(systemClock()));
  opened = await plane.open({
    models: [writerModel(FIRST), writerModel(SECOND)],
    retriever: {
      search: async () => {
        await onSearch();
        throw new Error('there is no index here');
      },
    },
    guards: openCallGuards({ breakers, ledger, rebuilder, view: control.view, onTrouble }),
    control,
    agents: {
      [FRUGAL]: { models: [SECOND], safety: { usdPerDay: { agent: MOST_USD } } },
    },
  });
  closings.push(opened.stop);
});

afterAll(async () => {
  for (const close of closings.reverse()) await close();
});

/** A session of one turn that was quiet for longer than it lasts. */
const quietSession = async (agent: string): Promise<string> => {
  const sessionId = `s-${randomUUID()}`;
  const at = systemClock() - 700_000_000;
  const { ended } = await plane.journal({ sessionId, agent, question: 'Why?', answer: 'Because.', at });
  await opened.memory.remember({ ...ended, policy: POLICY });
  return sessionId;
};

const summaryOf = (agent: string, sessionId: string) =>
  [...opened.ledger.of(JSON.stringify(['acme', agent]))].find(
    (held) => held.kind === 'summary' && held.sessionId === sessionId,
  );

const summarised = async (agent: string): Promise<string | null | undefined> => {
  const sessionId = await quietSession(agent);
  asked.length = 0;
  await opened.keep.turn();
  return summaryOf(agent, sessionId)?.reason;
};

const spent = async (agent: string): Promise<string | undefined> =>
  (await ledger.spending(dayOf(systemClock()), { agents: [agent], tenants: [] })).agents[agent];

const say = async (signal: ControlSignal): Promise<void> => {
  const { key, control: value } = signalRecord(signal, randomUUID());
  await plane.writer.append([
    { topic: TOPICS.control.name, key, value: plane.codec.encode('Control', value) },
  ]);
};

test('it is written by a model of its agent’s, within the day’s money, which is counted again when the counters are lost', async () => {
  generate = async () => 'They asked why, and were told.';
  expect(await summarised(FRUGAL)).toBe(`model: ${SECOND}`);
  expect(asked).toEqual([SECOND]);
  expect(await spent(FRUGAL)).toBe(PAID_USD);
  // Another would come to more than its day allows.
  expect(await summarised(FRUGAL)).toBe('extracted');
  expect(asked).toEqual([]);
  expect(await spent(FRUGAL)).toBe(PAID_USD);
  const costs = await readDailyCosts(reading(), dayOf(systemClock()));
  const own = costs.filter(({ agent }) => agent === FRUGAL).map(({ usd, settled }) => [usd, settled]);
  expect(own.sort()).toEqual([
    ['0', true],
    [PAID_USD, true],
  ]);
});

test('a model that fails opens its breaker and the next one writes; what it may have cost stands', async () => {
  generate = async (id) => {
    if (id === FIRST)
      throw new ModelError('overloaded', {
        ...{ reason: 'overloaded', retryable: true, retryAfterMs: null, mayHaveCost: true },
      });
    return 'They asked why, and were told.';
  };
  expect(await summarised(PLAIN)).toBe(`model: ${SECOND}`);
  expect(asked).toEqual([FIRST, SECOND]);
  expect(await spent(PLAIN)).toBe('0.00675');
  expect(await summarised(PLAIN)).toBe(`model: ${SECOND}`);
  expect(asked).toEqual([SECOND]);
});

test('what is forgotten while it is being summarised does not come back', async () => {
  const sessionId = await quietSession(PLAIN);
  const key = { tenant: 'acme', agent: PLAIN, sessionId };
  generate = async () => {
    await forgetSession({ ...plane, sessions: opened.sessions, clock: systemClock }, key, 'asked to');
    return 'They asked why, and were told.';
  };
  await opened.keep.turn();
  expect(summaryOf(PLAIN, sessionId)).toBeUndefined();
  expect((await opened.sessions.read(key, 0)).turns).toEqual([]);
});

test('what is forgotten while the summary is being written down is forgotten with it', async () => {
  const sessionId = await quietSession(PLAIN);
  const key = { tenant: 'acme', agent: PLAIN, sessionId };
  generate = async () => 'They asked why, and were told.';
  onSearch = async () => {
    onSearch = async () => undefined;
    await forgetSession({ ...plane, sessions: opened.sessions, clock: systemClock }, key, 'asked to');
  };
  await opened.keep.turn();
  await until('it is known', () => summaryOf(PLAIN, sessionId)?.state === 'forgotten');
  expect((await opened.sessions.read(key, 0)).turns).toEqual([]);
});

test('turns that have become a summary, and were not taken out by who died then, go the next time', async () => {
  const sessionId = await quietSession(PLAIN);
  const key = { tenant: 'acme', agent: PLAIN, sessionId };
  const [turn] = (await opened.sessions.read(key, 0)).turns;
  if (!turn) throw new Error('there is no turn');
  const { topic, partition, offset } = turn.place;
  const cut = cutOf(key, [{ topic, partition, from: 0, to: offset }], {
    ...{ at: systemClock(), untilMs: 600_000, reason: SUMMARISED },
  });
  await plane.writer.append([memoryRecord(plane.codec, cut)]);
  await until('it is known', () => opened.ledger.isCut(turn.place, key));
  asked.length = 0;
  await opened.keep.turn();
  expect((await opened.sessions.read(key, 0)).turns).toEqual([]);
  expect(asked).toEqual([]);
});

test('an agent that is stopped calls no model for it, and one that is stopped under way goes no further', async () => {
  generate = async (_, signal) => {
    await say({ kind: 'kill', agent: PLAIN, tenant: null, by: 'ada', reason: null, at: systemClock() });
    if (signal) await once(signal, 'abort');
    throw new Error('it was stopped');
  };
  expect(await summarised(PLAIN)).toBe('extracted');
  expect(asked).toEqual([SECOND]);
  expect(await summarised(PLAIN)).toBe('extracted');
  expect(asked).toEqual([]);
});
