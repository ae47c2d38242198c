/** What a process of a chaos run does: the product's own worker, projection or gateway, over a broker and a Redis that may be cut off. */
import { openAgentMemory } from '../../agents/memory/open-agent-memory.ts';
import { startTaskWorker, type TaskWorker } from '../../agents/runtime/task-worker.ts';
import { openCallGuards } from '../../agents/safety/call-guards.ts';
import { createBudgetRebuilder } from '../../agents/safety/rebuild-budgets.ts';
import { WORKERS } from '../../connectors/guarded-calls/breaker-state.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { createExtractiveModel } from '../../connectors/models/language/extractive-model.ts';
import { openRedisBudgetLedger } from '../../connectors/redis/redis-budget-ledger.ts';
import { openSharedBreakers } from '../../connectors/redis/shared-breaker.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { createMetrics } from '../../connectors/telemetry/metrics.ts';
import { startGateway } from '../../gateway/start-gateway.ts';
import { startExecutionProjection } from '../../pipelines/project-executions/project-executions.ts';
import { systemClock } from '../../schemas/clock.ts';
import { parseConfig } from '../../schemas/config.ts';
import { createControlView } from '../../schemas/control-view.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';
import { startIndexPeer } from '../gateway/index-peer.ts';
import { CHAOS_MEMORY, CHAOS_TENANT, chaosAgents, chaosModel, chaosTools } from './chaos-agent.ts';
import type { ChaosProcessSettings } from './chaos-settings.ts';
import type { Plant } from './plants/plants.ts';

/** Ends the role; what is under way has so long. */
type Stop = (graceMs: number) => Promise<void>;
type Run = (settings: ChaosProcessSettings, plant: Plant | undefined) => Promise<Stop>;

const CONCURRENCY = 16;

const openKafka = async ({ broker, registry, name }: ChaosProcessSettings, plant: Plant | undefined) => {
  const log = (level: string, message: string): void => console.error(`${name} ${level} ${message}`);
  const kafka = await createKafkaJsClient({ brokers: [broker], clientId: name });
  const codec = await openRecordCodec(openSchemaRegistry(registry));
  const writer = openRecordWriter(kafka);
  return {
    kafka,
    codec: plant?.codec?.(codec) ?? codec,
    writer: plant?.writer?.(writer, kafka) ?? writer,
    log,
  };
};

/** A process that cannot go on ends, and whoever supervises it starts another, as `freshet up` does. */
const onFailure = (error: Error): void => {
  console.error(error.message);
  process.exit(1);
};

const runWorker: Run = async (settings, plant) => {
  const opened = await openKafka(settings, plant);
  const { kafka, codec, writer, log } = opened;
  const tools = chaosTools(settings.outside);
  const reading = { kafka, codec, localTenant: CHAOS_TENANT };
  const onTrouble = (error: Error): void => log('warn', error.message);

  const breakers = await openSharedBreakers({ url: settings.redis, group: WORKERS });
  const ledger = await openRedisBudgetLedger({ url: settings.redis, clock: systemClock });
  const onUnreadable = (position: string): void => log('error', `${position} cannot be read`);
  const rebuilder = createBudgetRebuilder({ ...reading, ledger, onUnreadable });
  const guards = openCallGuards({ breakers, ledger, rebuilder, view: createControlView(), onTrouble });
  let worker: TaskWorker | undefined;
  const memory = await openAgentMemory({
    ...{ ...reading, writer, redis: settings.redis, clock: systemClock },
    retriever: fixedRetriever(),
    // What no session of a run asks for: its turns are never too many.
    models: [createExtractiveModel()],
    agents: [{ name: 'chaos', memory: CHAOS_MEMORY }],
    owned: () => worker?.stats().partitions ?? [],
    onEvent: (event) => {
      if (event.type === 'memory-trouble') onTrouble(event.error);
    },
  });
  worker = await startTaskWorker({
    ...{ ...opened, guards, memory: memory.memory },
    retriever: fixedRetriever(),
    models: [chaosModel(settings.outside)],
    agents: chaosAgents(plant?.tools?.(tools) ?? tools, settings.dayUsd),
    workerName: settings.name,
    localTenant: CHAOS_TENANT,
    concurrency: CONCURRENCY,
    sessionTimeoutMs: settings.sessionTimeoutMs,
    onOwned: (partition, from) => void memory.recover(partition, from).catch(onTrouble),
    onFailure,
  });
  const running = worker;
  return async (graceMs) => {
    await running.stop(graceMs);
    await memory.stop();
    await Promise.all([breakers.close(), ledger.close()]);
  };
};

const runProjection: Run = async (settings, plant) => {
  const projection = await startExecutionProjection({ ...(await openKafka(settings, plant)), onFailure });
  return () => projection.stop();
};

const runGateway: Run = async (settings, plant) => {
  const { kafka, codec, writer, log } = await openKafka(settings, plant);
  const agents = chaosAgents(chaosTools(settings.outside), settings.dayUsd);
  const gateway = await startGateway({
    ...{ kafka, codec, writer, agents },
    index: (await startIndexPeer()).client,
    config: parseConfig({ sources: {}, agents, localTenant: CHAOS_TENANT }),
    clock: systemClock,
    host: '127.0.0.1',
    port: settings.port ?? 0,
    metrics: createMetrics('gateway'),
    onEvent: ({ type, error }) => log('warn', `${type}: ${error.message}`),
  });
  return () => gateway.close();
};

export const ROLES: Readonly<Record<ChaosProcessSettings['role'], Run>> = {
  worker: runWorker,
  projection: runProjection,
  gateway: runGateway,
};
