/** What the four roles share as processes: connections, logs, health, an orderly end. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { type RoleServer, serveRole } from '../../connectors/index-service/index-server.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter, type RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { openRecordCodec, type RecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry, type SchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { createMetrics, type Metrics } from '../../connectors/telemetry/metrics.ts';
import type { RecordSpan } from '../../connectors/telemetry/span.ts';
import type { FreshetConfig } from '../../schemas/config.ts';
import { ERROR_CODES, type FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { loadConfig } from '../load-config.ts';
import { openRoleTracing } from './role-tracing.ts';

/** Where a role finds everything; every field is an option of its command. */
export interface RoleSettings {
  /** Names this copy: its group member, its folder, its log lines. */
  readonly name: string;
  readonly kafka: string;
  /** Confluent's API of the schema registry. */
  readonly registry: string;
  readonly connect: string;
  /** Base URL of the registry as Connect reaches it; empty: that of `registry`. */
  readonly connectRegistry: string;
  /** Host by which Connect reaches what sources' URLs call localhost; empty: by that name. */
  readonly connectLoopback: string;
  readonly config: string;
  /** Folder for what can be rebuilt. */
  readonly data: string;
  /** Folder with model.onnx and tokenizer.json. */
  readonly models: string;
  readonly port: number;
  /** Base URLs of the index role's replicas, separated by commas. */
  readonly index: string;
  /** redis://host:port */
  readonly redis: string;
  /** Of the index role: `no` where another replica tells how long changes took. */
  readonly timings: string;
  /** What `sample` stands for as a source's URL. */
  readonly sampleUrl: string;
  /** Base URLs of the other roles, whose metrics the gateway passes on. */
  readonly peers: readonly string[];
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Base URL of a collector; empty: that of the configuration, if it names one. */
  readonly otlpEndpoint: string;
}

export interface RoleContext {
  readonly settings: RoleSettings;
  readonly config: FreshetConfig;
  readonly folder: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Null: nobody asks for spans, so none are made. */
  readonly recordSpan: RecordSpan | null;
  readonly kafka: KafkaClient;
  readonly registry: SchemaRegistry;
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  /** Ends the process: it cannot go on without a person. */
  readonly fail: (error: FreshetError) => void;
}

/** A running role: how to ask it, and how to end it. */
export interface RunningRole {
  /** Null: ready. Otherwise what it waits for. */
  readonly notReady: () => string | null;
  /** Given where the role serves more than health and metrics. */
  readonly server?: RoleServer;
  stop(): Promise<void>;
}

const STOP_WITHIN_MS = 15_000;

/** Runs one role until it is told to stop (SIGTERM, SIGINT, or its parent gone), then ends the process. */
export const runRole = async (
  role: string,
  settings: RoleSettings,
  start: (context: RoleContext) => Promise<RunningRole>,
): Promise<void> => {
  const log = pino(
    {
      level: settings.logLevel,
      base: { role, name: settings.name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: 2, sync: true }),
  );
  const ended = new AbortController();
  let overdue: NodeJS.Timeout | undefined;
  // From the first word on: a start that waits for a server does not hear of it.
  ended.signal.addEventListener('abort', () => {
    overdue = setTimeout(() => {
      log.error('did not stop in time');
      // Not exit: that waits for native threads, which may be what hangs.
      process.kill(process.pid, 'SIGKILL');
    }, STOP_WITHIN_MS);
  });
  const fail = (error: FreshetError): void => {
    log.fatal({ code: error.code, err: error }, error.message);
    process.exitCode = ERROR_CODES[error.code].exit;
    ended.abort();
  };
  const child = process.send !== undefined;
  process.on('SIGTERM', () => ended.abort());
  // Ctrl-C reaches a child of `up` too; its parent ends it in order.
  process.on('SIGINT', () => !child && ended.abort());
  if (child) process.on('disconnect', () => ended.abort());
  process.on('unhandledRejection', (reason) => fail(toFreshetError(reason)));

  const closers: (() => Promise<unknown>)[] = [];
  try {
    const config = await loadConfig(settings.config);
    const folder = join(settings.data, settings.name);
    mkdirSync(folder, { recursive: true });
    const metrics = createMetrics(role);
    const tracing = await openRoleTracing({
      ...{ role, name: settings.name, otlpEndpoint: settings.otlpEndpoint, config, metrics },
      warn: (error, message) => log.warn({ err: error }, message),
    });
    // Closed last, so that it hears of everything that ended.
    if (tracing) closers.push(() => tracing.close());
    const kafka = await createKafkaJsClient({
      brokers: settings.kafka.split(','),
      clientId: `freshet-${settings.name}`,
      log: (level, message, details) => log[level]({ details }, message),
    });
    closers.push(() => kafka.close());
    const registry = openSchemaRegistry(settings.registry);
    const codec = await openRecordCodec(registry);
    const writer = openRecordWriter(kafka);
    closers.push(() => writer.close());
    const running = await start({
      settings,
      config,
      folder,
      log,
      metrics,
      recordSpan: tracing?.record ?? null,
      kafka,
      registry,
      codec,
      writer,
      fail,
    });
    closers.push(() => running.stop());
    const server =
      running.server ??
      (await serveRole({ role, notReady: running.notReady, metrics: metrics.registry }, settings.port));
    closers.push(() => server.close());
    log.info({ url: server.url }, 'ready');
    process.send?.({ type: 'ready', url: server.url });
    if (!ended.signal.aborted)
      await new Promise<void>((resolve) => ended.signal.addEventListener('abort', () => resolve()));
  } catch (thrown) {
    fail(toFreshetError(thrown));
  }
  for (const close of closers.reverse())
    await close().catch((error) => log.warn({ err: error }, 'while stopping'));
  clearTimeout(overdue);
  log.info('stopped');
  process.exit(process.exitCode ?? 0);
};
