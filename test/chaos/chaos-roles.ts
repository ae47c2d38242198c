/** What a process of a chaos run does: the product's own worker or projection, over a broker that may be cut off. */
import { startTaskWorker } from '../../agents/runtime/task-worker.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { startExecutionProjection } from '../../pipelines/project-executions/project-executions.ts';
import { fixedRetriever } from '../agents/fixed-retriever.ts';
import { chaosAgent, chaosModel, chaosTools } from './chaos-agent.ts';
import type { ChaosProcessSettings } from './chaos-settings.ts';
import type { Plant } from './plants/plants.ts';

/** Ends the role; what is under way has so long. */
type Stop = (graceMs: number) => Promise<void>;

const CONCURRENCY = 16;

const openKafka = async ({ broker, registry, name }: ChaosProcessSettings) => {
  const log = (level: string, message: string): void => console.error(`${name} ${level} ${message}`);
  const kafka = await createKafkaJsClient({ brokers: [broker], clientId: name });
  const codec = await openRecordCodec(openSchemaRegistry(registry));
  return { kafka, codec, writer: openRecordWriter(kafka), log };
};

/** A process that cannot go on ends, and whoever supervises it starts another, as `freshet up` does. */
const onFailure = (error: Error): void => {
  console.error(error.message);
  process.exit(1);
};

export const runWorker = async (settings: ChaosProcessSettings, plant: Plant | undefined): Promise<Stop> => {
  const opened = await openKafka(settings);
  const tools = chaosTools(settings.outside);
  const worker = await startTaskWorker({
    ...opened,
    codec: plant?.codec?.(opened.codec) ?? opened.codec,
    writer: plant?.writer?.(opened.writer, opened.kafka) ?? opened.writer,
    retriever: fixedRetriever(),
    models: [chaosModel(settings.outside)],
    agents: [chaosAgent(plant?.tools?.(tools) ?? tools)],
    workerName: settings.name,
    concurrency: CONCURRENCY,
    sessionTimeoutMs: settings.sessionTimeoutMs,
    onFailure,
  });
  return (graceMs) => worker.stop(graceMs);
};

export const runProjection = async (settings: ChaosProcessSettings): Promise<Stop> => {
  const projection = await startExecutionProjection({ ...(await openKafka(settings)), onFailure });
  return () => projection.stop();
};
