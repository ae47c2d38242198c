/** Pipeline and index role without a source, in this process over servers of their own: what benches of memories write into and search. */
import { join } from 'node:path';
import { openLmdbDocumentTable } from '../../connectors/document-table/lmdb-document-table.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter, type RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';
import { openRedisConnection, type RedisConnection } from '../../connectors/redis/redis-connection.ts';
import { openRecordCodec, type RecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { type IndexRole, startIndexRole } from '../../pipelines/apply-index/index-role.ts';
import { startIndexDocuments } from '../../pipelines/index-documents/index-documents.ts';
import { systemClock } from '../../schemas/clock.ts';
import { defineConfig } from '../../schemas/config.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { openBenchStack } from './bench-stack.ts';

export interface DocumentPlane {
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  readonly index: IndexRole;
  /** Address of the Redis server. */
  readonly redisUrl: string;
  readonly redis: RedisConnection;
  /** Stops `stop` before the plane, the last given first. */
  before(stop: () => Promise<unknown>): void;
  close(): Promise<void>;
}

export interface DocumentPlaneSettings {
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
  /** Of the pipeline's cache of embeddings. */
  readonly cacheBytes?: number;
}

/** The embedder is the instant one. */
export const openDocumentPlane = async (of: DocumentPlaneSettings): Promise<DocumentPlane> => {
  const servers = await openBenchStack(['kafka', 'schemaRegistry', 'redis'], of.signal);
  const { stack, root } = servers;
  const stops: (() => Promise<unknown>)[] = [() => servers.close()];
  const close = async (): Promise<void> => {
    for (const stop of stops.toReversed()) await stop().catch((error: Error) => of.tell(error.message));
  };
  try {
    const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'bench' });
    stops.push(() => kafka.close());
    const writer = openRecordWriter(kafka);
    stops.push(() => writer.close());
    await kafka.admin.createTopics(Object.values(TOPICS));
    const registry = openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`);
    const codec = await openRecordCodec(registry);
    const model = createHashEmbeddingModel();
    const onFailure = (error: Error): void => of.tell(error.message);
    const table = await openLmdbDocumentTable({ folder: join(root, 'documents') });
    stops.push(() => table.close());
    const pipeline = await startIndexDocuments({
      ...{ kafka, writer, codec, registry, table, model, clock: systemClock, onFailure },
      ...(of.cacheBytes === undefined ? {} : { cacheBytes: of.cacheBytes }),
      config: defineConfig({ sources: {}, agents: [] }),
      readRow: async () => undefined,
      onEvent: () => undefined,
    });
    stops.push(() => pipeline.stop());
    const index = await startIndexRole({
      ...{ kafka, writer, codec, model, clock: systemClock, onFailure },
      ...{ name: 'bench', folder: join(root, 'index'), sources: [], targetMs: 5_000 },
      timings: false,
      onEvent: () => undefined,
    });
    stops.push(() => index.stop());
    const redis = openRedisConnection(stack.redis);
    stops.push(() => redis.close());
    const before = (stop: () => Promise<unknown>): void => void stops.push(stop);
    return { kafka, codec, writer, index, redisUrl: stack.redis, redis, before, close };
  } catch (error) {
    await close();
    throw error;
  }
};
