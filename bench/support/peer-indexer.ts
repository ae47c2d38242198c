/** A peer behind Debezium and Kafka, as both of them want their changes from Postgres: its own servers, its own Python. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { openConnectApi } from '../../connectors/debezium/connect-api.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';
import { startStack } from '../../connectors/stack/start-stack.ts';
import { withSignals } from '../../schemas/linked-signal.ts';
import { editedRow } from './edit-mix.ts';
import type { StartIndexer } from './indexer.ts';
import { pythonEnvironment } from './python-environment.ts';
import { differentlyEmbedded } from './same-embedder.ts';

const PREFIX = 'peers';
const TOPIC = `${PREFIX}.public.articles`;
const READY_WITHIN_MS = 60_000;
const ASK_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 5_000;
/** Nobody outside is told of a run, and no half-compiled file is left beside the sources. */
const SILENT = { COCOINDEX_DISABLE_USAGE_TRACKING: 'true', PYTHONDONTWRITEBYTECODE: '1' };
const SAME_TEXTS = Array.from({ length: 50 }, (_, at) => editedRow(at + 1, at).body);
const fileOf = (path: string): string => fileURLToPath(new URL(`../peers/${path}`, import.meta.url));

/** Debezium's Postgres connector with JSON values; polled as often as Freshet polls it, and as little lingering. */
const connectorOf = (url: URL): Readonly<Record<string, string>> => ({
  'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
  'tasks.max': '1',
  'database.hostname': url.hostname,
  'database.port': url.port,
  'database.user': decodeURIComponent(url.username),
  'database.password': decodeURIComponent(url.password),
  'database.dbname': url.pathname.slice(1),
  'plugin.name': 'pgoutput',
  'slot.name': PREFIX,
  'publication.name': PREFIX,
  'publication.autocreate.mode': 'filtered',
  'topic.prefix': PREFIX,
  'table.include.list': 'public.articles',
  'tombstones.on.delete': 'false',
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
  'poll.interval.ms': '8',
  // As Freshet's own connector has it: a change does not wait for a batch.
  'max.batch.size': '1',
  'producer.override.linger.ms': '0',
  'producer.override.batch.size': '131072',
});

/** A peer that subscribes before the topic is there looks for it again only minutes later. */
const makeTopic = async (broker: string): Promise<void> => {
  const kafka = await createKafkaJsClient({ brokers: [broker], clientId: 'freshet-bench' });
  try {
    await kafka.admin.createTopics([{ name: TOPIC, partitions: 1, settings: {} }]);
  } finally {
    await kafka.close();
  }
};

/** Pathway reads the envelope below `payload`, where schemas.enable puts it; so put, it comes without 2 KB of schema a message. */
const CAPTURE_OF = {
  pathway: {
    transforms: 'key,value',
    'transforms.key.type': 'org.apache.kafka.connect.transforms.HoistField$Key',
    'transforms.key.field': 'payload',
    'transforms.value.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
    'transforms.value.field': 'payload',
  },
  cocoindex: {},
} as const;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
};

/** The folder under bench/peers holds requirements.txt and index.py, whose head says how the peer is set up and why. */
export const peerIndexer =
  (name: 'pathway' | 'cocoindex'): StartIndexer =>
  async ({ url, tell, signal }) => {
    const cacheDirectory = cacheDirectoryOf(process.env);
    const python = await pythonEnvironment(name, fileOf(`${name}/requirements.txt`), cacheDirectory, tell);
    const other = await differentlyEmbedded(python, SAME_TEXTS);
    if (other.length > 0) throw new Error(`${name} embeds otherwise than Freshet: ${other[0]}`);
    const root = mkdtempSync(join(tmpdir(), `freshet-bench-${name}-`));
    const stack = await startStack({
      dataDirectory: join(root, 'servers'),
      cacheDirectory,
      ports: 'free',
      servers: ['kafka', 'connect'],
      environment: process.env,
      signal,
    });
    await makeTopic(stack.kafka);
    const serversReadyAt = performance.now();
    const port = await freePort();
    const logFile = join(root, 'log');
    const log = openSync(logFile, 'a');
    const child = spawn(
      python,
      [fileOf(`${name}/index.py`), stack.kafka, TOPIC, String(port), fileOf('.'), root],
      { cwd: root, stdio: ['ignore', log, log], env: { ...process.env, ...SILENT } },
    );
    closeSync(log);
    const gone = once(child, 'exit');

    const stop = async (): Promise<void> => {
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null)
        await Promise.race([gone, sleep(STOP_WITHIN_MS, undefined, { ref: false })]);
      child.kill('SIGKILL');
      await stack.stop();
      rmSync(root, { recursive: true, force: true });
    };
    const ask = async (path: string, question: unknown): Promise<unknown> => {
      return withSignals([signal, AbortSignal.timeout(ASK_WITHIN_MS)], async (within) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(question),
          signal: within,
        });
        if (!response.ok) throw new Error(`${name} answered ${response.status}: ${await response.text()}`);
        return response.json();
      });
    };
    const documents = async (): Promise<number> => Number(await ask('/count', { all: 1 }));
    try {
      await openConnectApi(stack.connect).putConnector(PREFIX, {
        ...connectorOf(new URL(url)),
        ...CAPTURE_OF[name],
      });
      for (const until = performance.now() + READY_WITHIN_MS; ; await sleep(100)) {
        if (child.exitCode !== null) throw new Error(`${name} ended: ${readFileSync(logFile, 'utf8')}`);
        const answered = await documents().catch((error: unknown) => error);
        if (typeof answered === 'number') break;
        if (performance.now() > until)
          throw new Error(`${name} did not answer (${answered}): ${readFileSync(logFile, 'utf8')}`);
      }
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      serversReadyAt,
      documents,
      search: async (text, topK) => (await ask('/search', { text, topK })) as readonly string[],
      stop,
    };
  };
