import { Client } from 'pg';
import { openConnectApi } from '../../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../../connectors/debezium/connector-config.ts';
import { postgresConnectorConfig } from '../../../connectors/sources/postgres/connector-config.ts';
import { preparePostgres } from '../../../connectors/sources/postgres/prepare-postgres.ts';
import type { SharedStack } from '../../support/stack.ts';
import { captureTopic, createTopic, openKafka } from './captured.ts';

/** A database of its own with one table, captured from its first row on. */
export const openSource = async (stack: SharedStack, source: string) => {
  const database = source.replaceAll('-', '_');
  const admin = new Client({ connectionString: stack.postgres.url });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${database}`);
  await admin.end();
  const url = stack.postgres.url.replace(/postgres$/, database);
  const connectClient = async (): Promise<Client> => {
    const client = new Client({ connectionString: url });
    client.on('error', () => undefined);
    await client.connect();
    return client;
  };
  const client = await connectClient();
  await client.query(`CREATE TABLE articles (
    tenant text, id bigint, title text, price numeric(20, 4), at timestamptz, day date, picture bytea, tags text[],
    PRIMARY KEY (tenant, id))`);
  await client.query(`CREATE TABLE other (id int PRIMARY KEY)`);

  const kafka = openKafka(stack.kafka);
  const names = sourceNames(source);
  await createTopic(kafka, names.topic);
  const tables = ['public.articles'];
  await preparePostgres({ url, source, tables });
  const connect = openConnectApi(stack.connect);
  const config = postgresConnectorConfig({
    ...{ source, url, tables, epoch: 7, schemaRegistry: stack.schemaRegistry },
    heartbeatMs: 500,
  });
  const untilRunning = async (): Promise<void> => {
    const deadline = Date.now() + 120_000;
    for (;;) {
      const status = await connect.status(names.connector).catch(() => undefined);
      const states = [status?.connector.state, ...(status?.tasks ?? []).map((task) => task.state)];
      if (states.length > 1 && states.every((state) => state === 'RUNNING')) return;
      if (Date.now() > deadline) throw new Error(`not running: ${JSON.stringify(status)}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  return {
    ...{ names, url, tables, client, connectClient, connect, config, untilRunning },
    capture: () => captureTopic(kafka, names.topic, stack.schemaRegistry),
  };
};
