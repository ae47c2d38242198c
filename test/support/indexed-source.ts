/**
 * A source with one table, captured by Debezium into a topic of its own, and clients of everything a test looks at. Roles
 * are started apart (plane-roles.ts), so that a test can kill them.
 */
import { Client } from 'pg';
import { openConnectApi } from '../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { postgresConnectorConfig } from '../../connectors/sources/postgres/connector-config.ts';
import { preparePostgres } from '../../connectors/sources/postgres/prepare-postgres.ts';
import { INDEX_DOCUMENTS_GROUP } from '../../schemas/groups.ts';
import { changeTopic, TOPICS } from '../../schemas/topics.ts';
import { planeConfig } from './plane.config.ts';
import { setOffsets } from './set-offsets.ts';
import type { SharedStack } from './stack.ts';
import { until } from './until.ts';

export type PlaneServers = Pick<
  SharedStack,
  'kafka' | 'schemaRegistry' | 'connect' | 'postgres' | 'modelDirectory'
>;

const DATABASE = `
CREATE TABLE articles (
  id bigint PRIMARY KEY, tenant text NOT NULL, title text NOT NULL, category text, body text, views int NOT NULL DEFAULT 0);
-- Kept out of line as they are from 2 kB on, so that an update of another column leaves them out.
ALTER TABLE articles ALTER COLUMN body SET STORAGE EXTERNAL;`;

/** What other tests left in freshet.memory is none of this plane's, and is not counted here. A group at work has read it already. */
const passMemories = async (broker: string, kafka: KafkaClient): Promise<void> => {
  const topic = TOPICS.memory.name;
  const ends = (await kafka.admin.offsets(topic)).map(({ partition, latest }) => ({
    ...{ partition, offset: latest },
  }));
  await setOffsets(broker, kafka, INDEX_DOCUMENTS_GROUP, topic, ends);
};

export type DataPlane = Awaited<ReturnType<typeof openDataPlane>>;

export const openDataPlane = async (servers: PlaneServers, source: string) => {
  const database = source.replaceAll('-', '_');
  const admin = new Client({ connectionString: servers.postgres.url });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${database}`);
  await admin.end();
  const url = servers.postgres.url.replace(/postgres$/, database);
  const connectClient = async (): Promise<Client> => {
    const client = new Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const client = await connectClient();
  await client.query(DATABASE);

  const registryUrl = `${servers.schemaRegistry}/apis/ccompat/v7`;
  const kafka = await createKafkaJsClient({ brokers: [servers.kafka], clientId: `test-${source}` });
  await kafka.admin.createTopics([...Object.values(TOPICS), changeTopic(source)]);
  await passMemories(servers.kafka, kafka);
  const registry = openSchemaRegistry(registryUrl);
  const codec = await openRecordCodec(registry);
  const writer = openRecordWriter(kafka);
  const connect = openConnectApi(servers.connect);
  const names = sourceNames(source);
  const tables = ['public.articles'];

  const untilCapturing = (): Promise<unknown> =>
    until(
      `the connector ${names.connector} runs`,
      async () => {
        const status = await connect.status(names.connector).catch(() => undefined);
        const states = [status?.connector.state, ...(status?.tasks ?? []).map((task) => task.state)];
        return states.length > 1 && states.every((state) => state === 'RUNNING');
      },
      { every: 100 },
    );
  return {
    ...{ servers, source, database, url, registryUrl, client, connectClient },
    ...{ kafka, registry, codec, writer, connect, names, untilCapturing },
    config: planeConfig(source),
    topic: names.topic,
    /** Makes the publication: what is written before it is not captured, whenever it is committed. */
    prepare: () => preparePostgres({ url, source, tables }),
    /** Begins to capture: a snapshot of what is there, then what changes. */
    capture: async (
      settings: { readonly epoch?: number; readonly heartbeatMs?: number } = {},
    ): Promise<void> => {
      await preparePostgres({ url, source, tables });
      const { epoch = 1, heartbeatMs = 1_000 } = settings;
      await connect.putConnector(
        names.connector,
        postgresConnectorConfig({
          source,
          url,
          tables,
          epoch,
          heartbeatMs,
          schemaRegistry: servers.schemaRegistry,
        }),
      );
      await untilCapturing();
      // Running is said before the slot exists; a change before it would come by the snapshot, which is another path.
      await until('the slot streams', async () => {
        const { rows } = await client.query(
          'SELECT 1 FROM pg_replication_slots WHERE slot_name = $1 AND active',
          [names.slot],
        );
        return rows.length > 0;
      });
    },
    close: async (): Promise<void> => {
      await connect.deleteConnector(names.connector).catch(() => undefined);
      // The server has few slots, and one that nobody reads keeps its log for ever.
      await until('the slot is dropped', () =>
        client
          .query(
            'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1',
            [names.slot],
          )
          .then(
            () => true,
            () => false,
          ),
      ).catch(() => undefined);
      await client.end().catch(() => undefined);
      await writer.close();
      await kafka.close();
    },
  };
};
