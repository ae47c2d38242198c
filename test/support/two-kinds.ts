/** One configuration with a MariaDB and a Postgres source that hold tables of one shape, mapped alike, captured as `npm start` does it. */
import { createConnection } from 'mariadb';
import { Client } from 'pg';
import { openConnectApi } from '../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { sourceTopics } from '../../connectors/sources/source-kinds.ts';
import { mapTable, parseConfig } from '../../schemas/config.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { captureSources } from './capture-sources.ts';
import type { TestStack } from './own-stack.ts';
import { until } from './until.ts';

export type ShopArticle = {
  id: bigint;
  tenant: string;
  title: string;
  category: string | null;
  body: string | null;
  price: string | null;
  published: string | null;
  seen: string | null;
  day: string | null;
};

export const SHOP_ARTICLES = mapTable<ShopArticle>({
  title: (row) => row.title,
  text: (row) => row.body ?? '',
  tenant: (row) => row.tenant,
  metadata: ({ id, category, price, published, seen, day }) => ({
    id,
    category,
    price,
    published,
    seen,
    day,
  }),
});

/** The same columns in both: what the databases call them differs, what comes out must not. */
const MARIADB_TABLE = `CREATE TABLE articles (
  id bigint unsigned PRIMARY KEY, tenant varchar(40) NOT NULL, title varchar(200) NOT NULL, category varchar(40), body longtext,
  price decimal(12, 4), published datetime(3), seen timestamp(6) NULL, day date)`;
const POSTGRES_TABLE = `CREATE TABLE articles (
  id bigint PRIMARY KEY, tenant varchar(40) NOT NULL, title varchar(200) NOT NULL, category varchar(40), body text,
  price numeric(12, 4), published timestamp(3), seen timestamptz(6), day date)`;

/** A column of every type of MariaDB that a mapping may read. */
const KINDS_TABLE = `CREATE TABLE kinds (
  word varchar(20) NOT NULL, number bigint unsigned NOT NULL, tag varbinary(4) NOT NULL, PRIMARY KEY (word, tag, number),
  tiny tinyint, flag tinyint(1), small smallint unsigned, medium mediumint unsigned, whole int, unsigned_int int unsigned, big bigint, y year,
  f float, d double, n decimal(12, 4), b1 bit(1), b12 bit(12), bin binary(4), vbin varbinary(9), bytes blob, e enum('a', 'b'), s set('a', 'b'),
  j json, u uuid, day date, t time, t3 time(3), dt datetime, dt3 datetime(3), ts timestamp NULL, ts6 timestamp(6) NULL, c char(5))`;

/** Its whole row as text, so that any difference of a value is one of the document. */
const KINDS = mapTable({
  title: () => 'kinds',
  text: (row) =>
    JSON.stringify(row, (_, value) => (typeof value === 'bigint' ? `${value}n` : value)).concat(' word'),
  tenant: () => 'acme',
});

export type TwoKinds = Awaited<ReturnType<typeof openTwoKinds>>;

export const openTwoKinds = async (stack: TestStack) => {
  const server = stack.mariadb?.url ?? '';
  const at = new URL(server);
  const shopUrl = `${server}shop`;
  const openShop = () =>
    createConnection({
      ...{ host: at.hostname, port: Number(at.port), user: at.username, password: at.password },
      timezone: '+00:00',
    });
  const shop = await openShop();
  // A test kills the server.
  shop.on('error', () => undefined);
  await shop.query('CREATE DATABASE shop');
  await shop.query('USE shop');
  await shop.query(MARIADB_TABLE);
  await shop.query(KINDS_TABLE);
  const twin = new Client({ connectionString: stack.postgres.url });
  twin.on('error', () => undefined);
  await twin.connect();
  await twin.query(POSTGRES_TABLE);

  const config = parseConfig({
    sources: {
      shop: {
        kind: 'mariadb',
        url: shopUrl,
        tables: { 'shop.articles': SHOP_ARTICLES, 'shop.kinds': KINDS },
      },
      twin: { kind: 'postgres', url: stack.postgres.url, tables: { 'public.articles': SHOP_ARTICLES } },
    },
    agents: [],
    embedding: { model: 'feature-hash-384' },
    chunking: { maxTokens: 40, overlapTokens: 8 },
  });
  const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'test-two-kinds' });
  await kafka.admin.createTopics([...Object.values(TOPICS), ...sourceTopics(config.sources)]);
  const registry = openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`);
  const codec = await openRecordCodec(registry);
  const writer = openRecordWriter(kafka);
  const connect = openConnectApi(stack.connect);
  const names = sourceNames('shop');

  const untilCapturing = (): Promise<unknown> =>
    until(
      'both connectors run',
      async () => {
        const statuses = await Promise.all(
          Object.keys(config.sources).map((source) =>
            connect.status(sourceNames(source).connector).catch(() => undefined),
          ),
        );
        const states = statuses.flatMap((each) => [each?.connector.state, each?.tasks[0]?.state]);
        const failed = statuses.flatMap((each) => each?.tasks ?? []).find((task) => task.state === 'FAILED');
        if (failed) throw new Error(failed.trace);
        return states.every((state) => state === 'RUNNING');
      },
      { every: 100 },
    );
  return {
    ...{ stack, shop, twin, shopUrl, config, kafka, registry, codec, writer, connect, names, untilCapturing },
    // For rows of sources whose URL is `sample`; none is.
    url: '',
    source: 'shop',
    topic: names.topic,
    openShop,
    capture: async (): Promise<void> => {
      await captureSources(config, stack);
      await untilCapturing();
    },
    close: async (): Promise<void> => {
      await shop.end().catch(() => undefined);
      await twin.end().catch(() => undefined);
      await writer.close();
      await kafka.close();
    },
  };
};
