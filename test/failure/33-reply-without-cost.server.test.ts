/**
 * Fault 33: a worker killed when the provider has answered and metered its call, and the journal has no reply yet. What was
 * reserved before the call stands for it, whoever takes over asks again, and both calls are counted: the cost events, the ledger and
 * the result say one sum, never below what the provider metered (I3).
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { replayRecorded } from '../../agents/replay/replay-execution.ts';
import {
  type ExecutionProjection,
  startExecutionProjection,
} from '../../pipelines/project-executions/project-executions.ts';
import { type BudgetLedger, dayOf } from '../../schemas/budget-ledger.ts';
import { formatUsd, parseUsd, priceOf } from '../../schemas/money.ts';
import { executionIdOf } from '../../schemas/task-identity.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type AgentsStack, eventually, openAgentsStack } from '../agents/agents-stack.ts';
import { workerChildren } from '../agents/worker-children.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { lookThenAnswer } from './careful-agent.ts';
import { meteredAgent, openMeteredLedger, startMeteredWorker } from './metered-worker.ts';

const PROGRAM = fileURLToPath(new URL('metered-worker-process.ts', import.meta.url));
const AGENT = `metered-${randomUUID().slice(0, 8)}`;
/** What lookThenAnswer charges for a call. */
const CALL = priceOf({ inputTokens: 50, outputTokens: 5 }, lookThenAnswer({ secondCallMs: 0 }).price);
let stack: AgentsStack;
let projection: ExecutionProjection;
let ledger: BudgetLedger;

beforeAll(async () => {
  stack = await openAgentsStack();
  projection = await startExecutionProjection(stack);
  ledger = await openMeteredLedger(inject('stack').redis, AGENT);
});

afterAll(async () => {
  await projection?.stop();
  await ledger?.close();
  await stack?.close();
});

const spent = async (at: number, by = AGENT, of = ledger): Promise<string | undefined> => {
  const { known, agents } = await of.spending(dayOf(at), { agents: [by], tenants: [] });
  return known ? agents[by] : undefined;
};

/** A provider's meter: keeps, for each call, what the ledger held as it came. */
const startMeter = async () => {
  const held: (string | undefined)[] = [];
  const server = createServer((_, response) => {
    void spent(Date.now() * 1_000).then((usd) => {
      held.push(usd);
      response.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { held, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

test('fault 33: killed between the reply of a model and its cost event, the lost call counts at its reservation, and the next beside it', async () => {
  const { redis } = inject('stack');
  const meter = await startMeter();
  const taskId = `task-of-test-${randomUUID()}`;
  const reply = 'freshet.agent-event.llm-response';
  const proxy = await startTcpProxy(inject('stack').kafka, (_, frame) =>
    frame.includes(reply) && frame.includes(executionIdOf(taskId)) ? 'held' : 'none',
  );
  const children = workerChildren(PROGRAM, undefined, [redis, meter.url, AGENT]);
  onTestFinished(async () => {
    children.killAll();
    await proxy.close();
  });
  const child = await children.start('worker-metered', proxy.address);
  await stack.submit({ agent: AGENT, input: 'How long do I have to return a product?', taskId });
  await eventually('a reply on its way to the journal', () => (proxy.cuts().held > 0 ? true : undefined));
  await children.kill(child);

  const before = await stack.journalOf(taskId);
  const intent = before.find(({ type }) => type === 'intent');
  const reserved = intent?.reservedUsd ?? '';
  expect(before.filter(({ type }) => type === 'llm-response')).toEqual([]);
  // Metered once, and reserved before that.
  expect(meter.held).toEqual([reserved]);
  expect(parseUsd(reserved) >= CALL).toBe(true);

  const { kafka, codec, writer } = stack;
  const successor = await startMeteredWorker({
    ...{ kafka, codec, writer, redis, meter: meter.url },
    ...{ agent: AGENT, name: 'worker-after' },
  });
  onTestFinished(() => successor.stop());
  const journal = await eventually('its end', async () => {
    const found = await stack.journalOf(taskId);
    return found.some(({ type }) => type === 'response') ? found : undefined;
  });
  const costs = await eventually('all costs', async () => {
    const found = await stack.read(TOPICS.costs.name, 'Cost', (cost) => cost.taskId === taskId);
    return found.length >= 3 ? found.map(({ record }) => record) : undefined;
  });
  expect(costs.sort((a, b) => a.step - b.step).map(({ step, settled, usd }) => [step, settled, usd])).toEqual(
    [
      [2, false, reserved],
      [3, true, formatUsd(CALL)],
      [5, true, formatUsd(CALL)],
    ],
  );
  const sum = costs.reduce((total, { usd }) => total + parseUsd(usd), 0n);
  expect(meter.held).toHaveLength(3);
  expect(sum >= CALL * BigInt(meter.held.length)).toBe(true);
  const result = await eventually('a result', async () => {
    const found = await stack.read(TOPICS.results.name, 'Result', (each) => each.taskId === taskId);
    return found.length > 0 ? found.map(({ record }) => record) : undefined;
  });
  expect(result).toMatchObject([{ outcome: 'completed', costUsd: formatUsd(sum) }]);
  await eventually('the same sum in the ledger', async () =>
    (await spent(intent?.at ?? 0)) === formatUsd(sum) ? true : undefined,
  );
  expect(replayRecorded(journal, [meteredAgent(AGENT)]).identical).toBe(true);
}, 360_000);

test('fault 33, a moment later: the reply stands in the journal and the ledger has not heard of it; whoever takes over says it', async () => {
  const agent = `${AGENT}-unheard`;
  const { redis } = inject('stack');
  const unheard = await openMeteredLedger(redis, agent);
  const meter = await startMeter();
  const { kafka, codec, writer } = stack;
  const start = (name: string, settlesNothing: boolean) =>
    startMeteredWorker({
      ...{ kafka, codec, writer, redis, meter: meter.url, agent, name, settlesNothing },
    });
  let worker = await start('worker-unheard', true);
  onTestFinished(async () => {
    await worker.stop();
    await unheard.close();
  });
  const taskId = `task-of-test-${randomUUID()}`;
  await stack.submit({ agent, input: 'How long do I have to return a product?', taskId });
  const costs = await eventually('all costs', async () => {
    const found = await stack.read(TOPICS.costs.name, 'Cost', (cost) => cost.taskId === taskId);
    return found.length >= 2 ? found.map(({ record }) => record) : undefined;
  });
  const journal = await eventually('its end', async () => {
    const found = await stack.journalOf(taskId);
    return found.some(({ type }) => type === 'response') ? found : undefined;
  });
  const at = journal.find(({ type }) => type === 'intent')?.at ?? 0;
  const sum = costs.reduce((total, { usd }) => total + parseUsd(usd), 0n);
  expect(sum).toBe(2n * CALL);
  expect(parseUsd((await spent(at, agent, unheard)) ?? '0') > sum).toBe(true);
  await worker.stop();
  worker = await start('worker-that-says-it', false);
  await eventually('what the cost events say in the ledger', async () =>
    (await spent(at, agent, unheard)) === formatUsd(sum) ? true : undefined,
  );
}, 360_000);
