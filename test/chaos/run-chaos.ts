/**
 * One chaos run on real servers: a load of tasks over several workers and a projection, each behind a proxy of its own, faults by
 * the plan, then everything healed; when all has ended, or the time for it is over, what happened is read and held against the
 * invariants. Nothing that it started is left behind.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { PROJECTION_GROUP } from '../../pipelines/project-executions/project-executions.ts';
import { toError } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Cut, startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { CHAOS_AGENT, CHAOS_MAX_USD, inputOf } from './chaos-agent.ts';
import { type ChaosProcesses, startChaosProcesses } from './chaos-processes.ts';
import { checkHistory, type Verdict } from './check-history.ts';
import type { HistoryEntry } from './history.ts';
import { startOutside } from './outside.ts';
import { type ChaosPlan, type Fault, type PlannedTask, planChaos } from './plan-chaos.ts';
import { endedTasks, readHistory } from './read-history.ts';

export interface ChaosStack {
  /** host:port */
  readonly kafka: string;
  /** Base URL of the registry. */
  readonly schemaRegistry: string;
  /** Kills the broker and starts it again. Left out where others use it too. */
  readonly restartBroker?: () => Promise<void>;
}

export interface ChaosSettings {
  readonly seed: number;
  readonly forMs: number;
  readonly plant: string | null;
  readonly tasksPerSecond?: number;
  /** How long all may take to end, once healed. */
  readonly endWithinMs?: number;
  readonly onEntry?: (entry: HistoryEntry) => void;
  readonly signal?: AbortSignal;
}

export interface ChaosOutcome {
  readonly plan: ChaosPlan;
  readonly history: readonly HistoryEntry[];
  readonly verdicts: readonly Verdict[];
}

const WORKERS = ['worker-1', 'worker-2', 'worker-3'] as const;
const PROJECTION = 'projection';
/** The least that Kafka takes as it comes. */
const SESSION_TIMEOUT_MS = 6_000;
const TASKS_PER_SECOND = 8;
const END_WITHIN_MS = 90_000;
const LOOK_MS = 1_500;
/** A zombie may still have something to say. */
const SETTLE_MS = 3_000;
const TRY_AGAIN_MS = 300;

type Unplaced<Of> = Of extends { readonly atMs: number } ? Omit<Of, 'atMs'> : never;

export const runChaos = async (stack: ChaosStack, settings: ChaosSettings): Promise<ChaosOutcome> => {
  const opened: (() => unknown)[] = [];
  try {
    return await runWith(stack, settings, (close) => void opened.unshift(close));
  } finally {
    for (const close of opened) await close();
  }
};

/** `closing` takes what is to be closed at the end, the last opened first. */
const runWith = async (
  stack: ChaosStack,
  settings: ChaosSettings,
  closing: (close: () => unknown) => void,
): Promise<ChaosOutcome> => {
  const { seed, forMs, plant } = settings;
  const plan = planChaos({
    seed,
    forMs,
    workers: WORKERS,
    projection: PROJECTION,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    tasksPerSecond: settings.tasksPerSecond ?? TASKS_PER_SECOND,
    restartBroker: stack.restartBroker !== undefined,
  });
  const history: HistoryEntry[] = [{ kind: 'terms', seed, plant, maxUsd: CHAOS_MAX_USD }];
  let began = performance.now();
  const note = (entry: HistoryEntry): void => {
    history.push(entry);
    settings.onEntry?.(entry);
  };
  const see = (entry: Unplaced<HistoryEntry>): void =>
    note({ ...entry, atMs: Math.round(performance.now() - began) } as HistoryEntry);

  const registry = `${stack.schemaRegistry}/apis/ccompat/v7`;
  const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'chaos' });
  closing(() => kafka.close());
  await kafka.admin.createTopics(Object.values(TOPICS));
  const codec = await openRecordCodec(openSchemaRegistry(registry));
  const writer = openRecordWriter(kafka);
  closing(() => writer.close().catch(() => undefined));
  const outside = await startOutside(plan.tasks, see);
  closing(() => outside.close());
  const links = await openLinks(stack.kafka, [...WORKERS, PROJECTION]);
  closing(async () => {
    for (const { proxy } of links.values()) await proxy.close();
  });
  const processes = startChaosProcesses(
    [...links].map(([name, { proxy }]) => ({
      role: name === PROJECTION ? ('projection' as const) : ('worker' as const),
      name,
      broker: proxy.address,
      registry,
      outside: outside.url,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      plant,
    })),
    (change) => see({ kind: 'process', ...change }),
  );
  closing(() => processes.killAll());
  await processes.started;

  began = performance.now();
  const until = (atMs: number): Promise<void> => sleep(Math.max(0, began + atMs - performance.now()));
  const stopped = (): boolean => settings.signal?.aborted === true;

  const submit = async (task: PlannedTask): Promise<void> => {
    const { taskId, sessionId, deeds, maxUsd } = task;
    const budget = maxUsd === null ? {} : { budget: { maxUsd, maxSteps: null } };
    const asked = {
      agent: CHAOS_AGENT,
      input: inputOf(taskId),
      taskId,
      tenant: 'chaos',
      sessionId,
      ...budget,
    };
    const value = Buffer.from(JSON.stringify(asked));
    const key = sessionId ?? taskId;
    // The same task again until it is acknowledged, as a client with an idempotency key does.
    for (;;) {
      try {
        await writer.append([{ topic: TOPICS.tasks.name, key, value }]);
        return see({ kind: 'acknowledged', taskId, deeds, maxUsd });
      } catch {
        if (stopped() || performance.now() - began > forMs + END_WITHIN_MS) return;
        await sleep(TRY_AGAIN_MS);
      }
    }
  };

  // Load and faults, side by side: both by the plan's times.
  const load = (async () => {
    const sent: Promise<void>[] = [];
    for (const task of plan.tasks) {
      await until(task.atMs);
      if (stopped()) break;
      sent.push(submit(task));
    }
    await Promise.all(sent);
  })();
  const striking = (async () => {
    const under: Promise<void>[] = [];
    for (const { atMs, fault } of plan.faults) {
      await until(atMs);
      if (stopped()) break;
      see({ kind: 'fault', fault });
      const struck = strike(fault, { stack, processes, links });
      under.push(struck);
    }
    await Promise.all(under);
  })();
  await Promise.all([load, striking]);
  for (const link of links.values()) link.cuts = 0;
  await processes.heal();
  see({ kind: 'healed' });

  const deadline = performance.now() + (settings.endWithinMs ?? END_WITHIN_MS);
  const acknowledged = history.flatMap((entry) => (entry.kind === 'acknowledged' ? [entry.taskId] : []));
  const inTime = (): boolean => !stopped() && performance.now() < deadline;
  const once = <Of>(ask: () => Promise<Of>): Promise<Of | undefined> => ask().catch(() => undefined);
  while (inTime()) {
    const ended = await once(() => endedTasks(kafka, codec));
    if (ended && acknowledged.every((taskId) => ended.has(taskId))) break;
    await sleep(LOOK_MS);
  }
  await sleep(SETTLE_MS);
  await Promise.all(WORKERS.map((name) => processes.end(name)));
  // What the workers wrote last is projected too.
  while (inTime()) {
    const committed = await once(() => kafka.admin.committed(PROJECTION_GROUP, TOPICS.agentEvents.name));
    const ends = await once(() => kafka.admin.offsets(TOPICS.agentEvents.name));
    if (committed && ends?.every((each) => (committed.get(each.partition)?.offset ?? 0) >= each.latest))
      break;
    await sleep(TRY_AGAIN_MS);
  }
  await processes.end(PROJECTION);
  for (const entry of await readHistory(kafka, codec)) note(entry);
  return { plan, history, verdicts: checkHistory(history) };
};

/** The way of one process to the broker, and how many of its next produce requests are cut, where. */
interface Link {
  readonly proxy: TcpProxy;
  cuts: number;
  where: Cut;
}

const openLinks = async (broker: string, names: readonly string[]): Promise<ReadonlyMap<string, Link>> => {
  const links = new Map<string, Link>();
  for (const name of names) {
    const proxy = await startTcpProxy(broker, (request) => {
      const link = links.get(name);
      if (!link || request !== 'produce' || link.cuts === 0) return 'none';
      link.cuts -= 1;
      return link.where;
    });
    links.set(name, { proxy, cuts: 0, where: 'none' });
  }
  return links;
};

const strike = async (
  fault: Fault,
  of: {
    readonly stack: ChaosStack;
    readonly processes: ChaosProcesses;
    readonly links: ReadonlyMap<string, Link>;
  },
): Promise<void> => {
  switch (fault.kind) {
    case 'kill':
      return of.processes.kill(fault.process, fault.backAfterMs);
    case 'stop':
      return of.processes.stop(fault.process, fault.forMs);
    case 'cut': {
      const link = of.links.get(fault.process);
      if (link) Object.assign(link, { cuts: fault.requests, where: fault.where });
      return;
    }
    case 'restart-broker':
      return of.stack.restartBroker?.().catch((thrown: unknown) => {
        throw new Error(`the broker did not come back: ${toError(thrown).message}`);
      });
    default:
      return fault satisfies never;
  }
};
