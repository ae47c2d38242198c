/**
 * The whole of Freshet on one machine, in running order: servers, topics and schemas, sample source, roles, capture.
 * What dies is started again; what cannot be is one error.
 */
import { join } from 'node:path';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import type { LoadResult } from '../../connectors/sample-source/load-sample-source.ts';
import { sourceTopics } from '../../connectors/sources/source-kinds.ts';
import { processIdentity } from '../../connectors/stack/process-identity.ts';
import type { Stack } from '../../connectors/stack/start-stack.ts';
import type { FreshetConfig } from '../../schemas/config.ts';
import { type FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { Progress } from '../progress.ts';
import { type RunFile, removeRunFile, writeRunFile } from '../run-file.ts';
import { type KeptRunning, keepRunning } from './keep-running.ts';
import { rolePorts } from './ports.ts';
import { hasSample, prepareCapture, prepareSample, sampleUrlOf } from './prepare-sources.ts';
import { type RoleProcess, startRole } from './start-role.ts';
import { type RunningServers, type ServerPlace, startServers } from './start-servers.ts';

export interface StartSettings {
  /** Folder that holds .freshet. */
  readonly root: string;
  readonly cacheDirectory: string;
  readonly configFile: string;
  readonly config: FreshetConfig;
  readonly environment: NodeJS.ProcessEnv;
  /** Default: native. */
  readonly servers?: ServerPlace;
  readonly freePorts: boolean;
  readonly gatewayPort?: number;
  readonly sampleRows: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Something died for good, or again and again. */
  readonly onFailure: (error: FreshetError) => void;
}

export interface RunningFreshet {
  readonly run: RunFile;
  /** The servers one by one, where they run natively. */
  readonly stack: Stack | undefined;
  readonly sampleUrl: string;
  readonly sample: LoadResult | undefined;
  stop(): Promise<void>;
}

const ROLES = ['index', 'pipeline', 'agents', 'gateway'] as const;
type RoleName = (typeof ROLES)[number];

export const startEverything = async (settings: StartSettings): Promise<RunningFreshet> => {
  const { root, config, progress, signal } = settings;
  const usesSample = hasSample(config);
  const roles = new Map<RoleName, RoleProcess>();
  const starting = new Map<RoleName, Promise<void>>();
  const givenUp = new AbortController();
  const kept: KeptRunning[] = [];
  let servers: RunningServers | undefined;

  const stop = async (): Promise<void> => {
    if (givenUp.signal.aborted) return;
    // What is not ready is told at once: it hands nothing over, and it must not wait for servers that are gone.
    givenUp.abort();
    for (const each of kept) each.release();
    servers?.release();
    removeRunFile(root);
    // Against the flow: nobody is left asking one that is gone.
    for (const role of [...ROLES].reverse()) await roles.get(role)?.stop();
    await Promise.allSettled(starting.values());
    await servers?.stop().catch(({ message }: Error) => progress.line('servers', message));
  };

  try {
    const ports = await rolePorts(settings.freePorts, settings.gatewayPort);
    servers = await startServers({ ...settings, place: settings.servers ?? 'native' });
    const running = servers;

    const registryUrl = `${running.schemaRegistry}/apis/ccompat/v7`;
    const sampleUrl = sampleUrlOf(running.postgres.url);
    const [sample] = await Promise.all([
      usesSample
        ? prepareSample(
            running.postgres.url,
            settings.sampleRows,
            (done, total) => done < total && progress.line('sample', `${done} of ${total} rows`),
            signal,
          )
        : undefined,
      makeTopics(running.kafka, registryUrl, config),
    ]);
    if (sample)
      progress.line(
        'sample',
        sample.inserted > 0 ? `${sample.inserted} rows written` : `${sample.rows} rows kept from before`,
      );
    progress.line('topics', 'made, schemas registered');

    const options: Readonly<Record<string, string>> = {
      kafka: running.kafka,
      registry: registryUrl,
      connect: running.connect,
      config: settings.configFile,
      data: join(root, '.freshet', 'data', 'roles'),
      models: running.modelDirectory,
      index: `http://127.0.0.1:${ports.index}`,
      redis: running.redis,
      'sample-url': sampleUrl,
      'connect-loopback': running.connectLoopback,
      peers: [ports.index, ports.pipeline, ports.agents].map((port) => `http://127.0.0.1:${port}`).join(','),
    };
    const describe = (): RunFile => ({
      pid: process.pid,
      identity: processIdentity(process.pid) ?? '',
      startedAt: new Date().toISOString(),
      gateway: `http://127.0.0.1:${ports.gateway}`,
      index: options.index ?? '',
      kafka: running.kafka,
      schemaRegistry: registryUrl,
      connect: running.connect,
      redis: running.redis,
      sources: Object.fromEntries(
        Object.entries(config.sources).map(([name, { url }]) => [name, url === 'sample' ? sampleUrl : url]),
      ),
      roles: Object.fromEntries([...roles].map(([name, { pid }]) => [name, pid])),
      roleUrls: Object.fromEntries([...roles].map(([name, { url }]) => [name, url])),
      servers: running.pids(),
      config: settings.configFile,
      models: running.modelDirectory,
      sampleUrl,
    });
    const keeper = (role: RoleName): KeptRunning =>
      keepRunning({
        start: async () => {
          await start(role);
          if (!givenUp.signal.aborted) writeRunFile(root, describe());
        },
        onRestart: (error, attempt) =>
          progress.line(role, `ended, starting it again (${attempt}): ${firstLine(error.message)}`),
        onGivenUp: settings.onFailure,
      });
    const keepers = new Map(ROLES.map((role) => [role, keeper(role)]));
    kept.push(...keepers.values());
    const startOne = async (role: RoleName): Promise<void> => {
      const begun = performance.now();
      const started = await startRole({
        role,
        name: `${role}-1`,
        options: { ...options, port: String(ports[role]) },
        logFolder: join(root, '.freshet', 'logs'),
        environment: settings.environment,
        signal: givenUp.signal,
        onExit: (error) => keepers.get(role)?.died(error),
      });
      roles.set(role, started);
      progress.line(role, `ready after ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
      if (givenUp.signal.aborted || signal.aborted) await started.stop();
    };
    const start = (role: RoleName): Promise<void> => {
      const begun = startOne(role);
      starting.set(role, begun);
      return begun;
    };
    await unlessAborted(signal, [
      ...ROLES.map(start),
      prepareCapture(config, sampleUrl).then(() => progress.line('capture', 'sources are ready for it')),
    ]);
    signal.throwIfAborted();
    const run = describe();
    writeRunFile(root, run);
    return { run, stack: running.stack, sampleUrl, sample, stop };
  } catch (thrown) {
    await stop();
    throw toFreshetError(thrown);
  }
};

/** All of them, or the signal's reason at once: `stop` then ends what still starts. */
const unlessAborted = async (signal: AbortSignal, all: readonly Promise<unknown>[]): Promise<void> => {
  const aborted = new Promise<never>((_, reject) => {
    const give = (): void => reject(signal.reason);
    if (signal.aborted) give();
    else signal.addEventListener('abort', give, { once: true });
  });
  await Promise.race([Promise.all(all), aborted]);
};

const firstLine = (text: string): string => text.split('\n')[0] ?? text;

const makeTopics = async (
  kafkaAddress: string,
  registryUrl: string,
  config: FreshetConfig,
): Promise<void> => {
  const kafka = await createKafkaJsClient({ brokers: [kafkaAddress], clientId: 'freshet-up' });
  try {
    await kafka.admin.createTopics([...Object.values(TOPICS), ...sourceTopics(config.sources)]);
    await openRecordCodec(openSchemaRegistry(registryUrl));
  } finally {
    await kafka.close();
  }
};
