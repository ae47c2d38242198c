/**
 * One chaos run on real servers: a load of tasks over several workers, a projection and a gateway, each behind proxies of its own, faults by
 * the plan, then everything healed; when all has ended, or the time for it is over, Redis is lost once more and every session asked for what it
 * holds; then what happened is read and held against the invariants. Nothing that it started is left behind.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { freePorts } from '../../connectors/stack/ports.ts';
import { PROJECTION_GROUP } from '../../schemas/groups.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { CHAOS_MAX_USD } from './chaos-agent.ts';
import type { ChaosPlan } from './chaos-plan.ts';
import { startChaosProcesses } from './chaos-processes.ts';
import { checkHistory, type Verdict } from './check-history.ts';
import { openGatewayClient } from './gateway-client.ts';
import { entriesOf, type HistoryEntry } from './history.ts';
import { openLinks } from './links.ts';
import { lookAtGateway } from './look-at-gateway.ts';
import { lookAtLedger } from './look-at-ledger.ts';
import { startOutside } from './outside.ts';
import { openPatience, type Patience } from './patience.ts';
import { planChaos } from './plan-chaos.ts';
import { endedTasks, readHistory } from './read-history.ts';
import { rollCall } from './roll-call.ts';
import { restartRedis, type StruckServers, strike } from './strike.ts';
import { createSubmitPlanned } from './submit-planned.ts';

export interface ChaosStack extends StruckServers {
  /** host:port */
  readonly kafka: string;
  /** Base URL of the registry. */
  readonly schemaRegistry: string;
  /** redis://host:port */
  readonly redis: string;
}

export interface ChaosSettings {
  readonly seed: number;
  readonly forMs: number;
  readonly plant: string | null;
  readonly tasksPerSecond?: number;
  /** How long nothing may end, once healed, before the rest is taken for lost. */
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
const GATEWAY = 'gateway';
/** The least that Kafka takes as it comes. */
const SESSION_TIMEOUT_MS = 6_000;
const TASKS_PER_SECOND = 8;
const END_WITHIN_MS = 90_000;
const LOOK_MS = 1_500;
/** A zombie may still have something to say. */
const SETTLE_MS = 3_000;
const TRY_AGAIN_MS = 300;
/** How long Redis and the gateway may come no nearer to what the journal says. */
const KNOWN_WITHIN_MS = 30_000;
const REDIS_AWAY_MS = 200;

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
  const { seed, forMs, plant, endWithinMs = END_WITHIN_MS } = settings;
  const plan = planChaos({
    seed,
    forMs,
    workers: WORKERS,
    projection: PROJECTION,
    gateway: GATEWAY,
    sessionTimeoutMs: SESSION_TIMEOUT_MS,
    tasksPerSecond: settings.tasksPerSecond ?? TASKS_PER_SECOND,
    restartBroker: stack.restartBroker !== undefined,
  });
  const history: HistoryEntry[] = [
    { kind: 'terms', seed, plant, maxUsd: CHAOS_MAX_USD, dayUsd: plan.dayUsd },
  ];
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
  const links = await openLinks(stack.kafka, stack.redis, [...WORKERS, PROJECTION, GATEWAY]);
  closing(async () => {
    for (const link of links.values()) await link.close();
  });
  const { connect: gatewayPort } = await freePorts();
  const processes = startChaosProcesses(
    [...links].map(([name, link]) => ({
      role: name === PROJECTION || name === GATEWAY ? name : ('worker' as const),
      name,
      broker: link.kafka,
      redis: link.redis,
      registry,
      outside: outside.url,
      port: name === GATEWAY ? gatewayPort : null,
      dayUsd: plan.dayUsd,
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

  const gateway = openGatewayClient(`http://127.0.0.1:${gatewayPort}`);
  const submit = createSubmitPlanned({ writer, gateway, onSight: see });
  const patience = (ms: number): Patience => openPatience(ms, stopped);

  // Load and faults, side by side: both by the plan's times.
  const load = (async () => {
    const accepting = patience(forMs + endWithinMs);
    const sent: Promise<void>[] = [];
    for (const task of plan.tasks) {
      await until(task.atMs);
      if (stopped()) break;
      sent.push(submit(task, () => !accepting.lasts()));
    }
    await Promise.all(sent);
  })();
  const striking = (async () => {
    const under: Promise<void>[] = [];
    for (const { atMs, fault } of plan.faults) {
      await until(atMs);
      if (stopped()) break;
      see({ kind: 'fault', fault });
      under.push(strike(fault, { servers: stack, processes, links }));
    }
    await Promise.all(under);
  })();
  await Promise.all([load, striking]);
  for (const link of links.values()) link.heal();
  await processes.heal();
  see({ kind: 'healed' });

  const acknowledged = entriesOf(history, 'acknowledged').map(({ as }) => as);
  const ending = patience(endWithinMs);
  const once = <Of>(ask: () => Promise<Of>): Promise<Of | undefined> => ask().catch(() => undefined);
  while (ending.lasts()) {
    const ended = await once(() => endedTasks(kafka, codec));
    ending.saw(ended?.size ?? 0);
    if (ended && acknowledged.every((taskId) => ended.has(taskId))) break;
    await sleep(LOOK_MS);
  }
  await restartRedis(stack, REDIS_AWAY_MS);
  see({ kind: 'forgotten' });
  const sessions = new Set(plan.tasks.flatMap(({ sessionId }) => (sessionId === null ? [] : [sessionId])));
  const answering = patience(endWithinMs);
  await rollCall({ ...{ kafka, codec, seed, submit }, sessions: [...sessions], patience: answering });
  note(await lookAtLedger({ kafka, codec, redis: stack.redis, patience: patience(KNOWN_WITHIN_MS) }));
  await sleep(SETTLE_MS);
  await Promise.all(WORKERS.map((name) => processes.end(name)));
  // What the workers wrote last is projected too.
  const projecting = patience(endWithinMs);
  while (projecting.lasts()) {
    const committed = await once(() => kafka.admin.committed(PROJECTION_GROUP, TOPICS.agentEvents.name));
    const ends = await once(() => kafka.admin.offsets(TOPICS.agentEvents.name));
    const offsetOf = (partition: number): number => committed?.get(partition)?.offset ?? 0;
    if (ends?.every(({ partition, latest }) => offsetOf(partition) >= latest)) break;
    projecting.saw(ends?.reduce((sum, { partition }) => sum + offsetOf(partition), 0) ?? 0);
    await sleep(TRY_AGAIN_MS);
  }
  await processes.end(PROJECTION);
  for (const entry of await readHistory(kafka, codec)) note(entry);
  for (const entry of await lookAtGateway(gateway, history, patience(KNOWN_WITHIN_MS))) note(entry);
  await processes.end(GATEWAY);
  return { plan, history, verdicts: checkHistory(history) };
};
