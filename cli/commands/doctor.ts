/** `freshet doctor`: each server, connector, topic and role: fine, or what to do. */
import type { Command } from 'commander';
import { openConnectApi } from '../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { pingRedis } from '../../connectors/redis/ping-redis.ts';
import { schemaText } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { SOURCE_KINDS, sourceTopics } from '../../connectors/sources/source-kinds.ts';
import { FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { changeTopic, TOPICS, type TopicDefinition } from '../../schemas/topics.ts';
import { flushPace } from '../flush-pace.ts';
import { loadConfig } from '../load-config.ts';
import { createOutput, duration, oneLine } from '../output.ts';
import { findRun, type RunFile } from '../run-file.ts';
import type { SourceReport } from './source-report.ts';
import type { Surroundings } from './surroundings.ts';

interface Finding {
  readonly part: string;
  readonly ok: boolean;
  /** What is so, or what to do. */
  readonly said: string;
}

const finding = async (part: string, look: () => Promise<string>): Promise<Finding> => {
  try {
    return { part, ok: true, said: await look() };
  } catch (thrown) {
    const error = toFreshetError(thrown);
    return { part, ok: false, said: `${error.code}: ${error.message}` };
  }
};

const wrong = (message: string): never => {
  throw new FreshetError('check-failed', message);
};

const inspectTopics = async (
  run: RunFile,
  topics: readonly TopicDefinition[],
): Promise<readonly Finding[]> => {
  const kafka = await createKafkaJsClient({ brokers: run.kafka.split(','), clientId: 'freshet-doctor' });
  try {
    const broker = await finding(
      'kafka',
      async () => `${run.kafka}, ${(await kafka.admin.listTopics()).length} topics`,
    );
    const found = await Promise.all(
      topics.map((topic) =>
        finding(`topic ${topic.name}`, async () => {
          const count = await kafka.admin.partitionCount(topic.name).catch(() => 0);
          if (count === 0) wrong('is missing; npm start makes it');
          if (count !== topic.partitions)
            wrong(
              `has ${count} partitions, not ${topic.partitions}: partition p of changes and documents must be one worker's; make it anew`,
            );
          const settings = await kafka.admin.topicSettings(topic.name);
          for (const [name, expected] of Object.entries(topic.settings)) {
            if (settings[name] !== expected)
              wrong(`${name} is ${settings[name] ?? 'not set'}, not ${expected}; alter the topic`);
          }
          const ends = await kafka.admin.offsets(topic.name);
          return `${count} partitions, ${topic.settings['cleanup.policy']}, ${ends.reduce((sum, each) => sum + each.latest - each.earliest, 0)} records`;
        }),
      ),
    );
    return [broker, ...found];
  } finally {
    await kafka.close();
  }
};

const answers = async (url: string): Promise<unknown> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(3_000) });
  if (!response.ok) wrong(`${url} answered ${response.status}: ${oneLine(await response.text(), 160)}`);
  return response.json();
};

const ready = async (url: string): Promise<unknown> =>
  (await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(3_000) })).json();

/** Of one source, as the pace is the worker's; nothing where none streams, which is a finding of its own. */
const inspectFlush = async (run: RunFile, sources: readonly SourceReport[]): Promise<readonly Finding[]> => {
  const streaming = sources.filter(({ state }) => state === 'streaming');
  // The log of Postgres is the less often quiet one.
  const chosen = streaming.find(({ kind }) => kind === 'postgres') ?? streaming[0];
  if (!chosen) return [];
  const { source, kind } = chosen;
  const look = finding('connect flush', async () => {
    const end = () => SOURCE_KINDS[kind].currentPosition(run.sources[source] ?? '');
    const before = await end();
    const ms = await flushPace(openConnectApi(run.connect), sourceNames(source).connector);
    if (ms === null && before === (await end()))
      return `not told: ${source} is quiet, so that there is nothing to write down`;
    if (ms === null)
      return wrong(
        'offsets are written down too rarely, and a read after a write waits for that: set offset.flush.interval.ms=250 in the worker of Kafka Connect',
      );
    return `offsets written down twice within ${duration(ms)}`;
  });
  return [await look];
};

const LEFT =
  'was taken out of the configuration: its documents are still found, its connector runs, its database keeps log for it; put it back, or do what docs/sources.md says under Taking a source out';

/** Sources that are configured no more, as long as Connect has their connectors: deleting those is the last step of taking one out. */
export const findLeft = (left: readonly string[], connectors: readonly string[]): readonly Finding[] =>
  left
    .filter((source) => connectors.includes(sourceNames(source).connector))
    .map((source) => ({ part: `source ${source}`, ok: false, said: LEFT }));

const inspect = async (root: string): Promise<readonly Finding[]> => {
  const run = findRun(root);
  const node: Finding = { part: 'node', ok: true, said: process.versions.node };
  if (!run)
    return [node, { part: 'freshet', ok: false, said: 'does not run here; start it with: npm start' }];
  const findings: Finding[] = [
    node,
    { part: 'freshet', ok: true, said: `process ${run.pid}, since ${run.startedAt}` },
  ];
  const loading = loadConfig(run.config);
  // Roles run on with what they read before it broke: the rest is looked at all the same.
  const config = await loading.catch(() => undefined);
  const sourcesTopics = config ? sourceTopics(config.sources) : Object.keys(run.sources).map(changeTopic);
  const topics = [...Object.values(TOPICS), ...sourcesTopics];
  findings.push(
    ...(await Promise.all([
      finding('config', async () => {
        const { sources, agents } = await loading;
        return `${run.config}: ${Object.keys(sources).join(', ')}; agents ${agents.map(({ name }) => name).join(', ')}`;
      }),
      finding('schema registry', async () => {
        const registry = openSchemaRegistry(run.schemaRegistry);
        for (const topic of Object.values(TOPICS)) {
          const standing = await registry.inspect(`${topic.name}-value`, schemaText(topic.value));
          if (standing !== 'compatible')
            wrong(
              `the schema of ${topic.name} is ${standing}; a role registers it when it starts, or says why not`,
            );
        }
        return `${run.schemaRegistry}, every schema compatible`;
      }),
      finding('redis', async () => {
        const { version, eviction } = await pingRedis(run.redis);
        if (eviction !== 'noeviction')
          wrong(
            `drops keys when its memory is full (maxmemory-policy ${eviction}), and an agent then forgets a conversation unnoticed; set maxmemory-policy noeviction`,
          );
        return `${run.redis}, version ${version}`;
      }),
      finding('connect', async () => {
        const { version } = (await answers(run.connect)) as { version?: string };
        return `${run.connect}, version ${version ?? '?'}`;
      }),
      finding('index', async () => {
        const status = await openIndexClient(run.index).status();
        return `${status.documents} documents in ${status.rows} rows, ${status.engine}, ${status.model}${status.current ? '' : '; still catching up with the log'}`;
      }),
      finding('gateway', async () => {
        await answers(`${run.gateway}/readyz`);
        return run.gateway;
      }),
    ])),
  );
  const { sources = [], left = [] } = (await answers(`${run.gateway}/v1/sources`).catch(() => ({}))) as {
    readonly sources?: readonly SourceReport[];
    readonly left?: readonly string[];
  };
  const flush = inspectFlush(run, sources);
  for (const source of Object.keys(run.sources))
    findings.push(
      await finding(`source ${source}`, async () => {
        const seen = sources.find((each) => each.source === source);
        if (!seen) return wrong('the gateway does not know how it stands; see the gateway above');
        const paused = seen.tables.filter((each) => each.state === 'paused');
        if (seen.state !== 'streaming' && seen.state !== 'snapshotting')
          wrong(`${seen.state}: ${oneLine(seen.reason ?? 'no reason given', 240)}`);
        if (paused.length > 0)
          wrong(
            `paused: ${paused.map((each) => `${each.table} (${oneLine(each.reason ?? '', 120)})`).join(', ')}; mend it, then: freshet source resume ${source} --tables ${paused.map((each) => each.table).join(',')}`,
          );
        return `${seen.state} under epoch ${seen.epoch}, ${Math.round((seen.retainedWalBytes ?? 0) / 1024)} KiB of its log kept`;
      }),
    );
  if (left.length > 0)
    // Where Connect does not answer, that is a finding of its own.
    findings.push(
      ...findLeft(
        left,
        await openConnectApi(run.connect)
          .connectors()
          .catch(() => []),
      ),
    );
  for (const [role, pid] of Object.entries(run.roles)) {
    findings.push(
      await finding(`role ${role}`, async () => {
        const url = run.roleUrls[role] ?? '';
        const { waitingFor } = (await ready(url)) as { waitingFor?: string | null };
        if (waitingFor) wrong(`process ${pid} waits for ${waitingFor}`);
        return `process ${pid}, ready at ${url}`;
      }),
    );
  }
  findings.push(
    ...(await flush),
    ...(await inspectTopics(run, topics).catch((error: unknown) => [
      { part: 'kafka', ok: false, said: toFreshetError(error).message },
    ])),
  );
  return findings;
};

export const addDoctorCommand = (freshet: Command, { root }: Surroundings): void => {
  freshet
    .command('doctor')
    .description('each server, connector, topic and role: fine, or what to do')
    .option('--json', 'JSON')
    .action(async (options: { json?: boolean }) => {
      const findings = await inspect(root);
      createOutput(options.json ?? false).print(findings, (all) =>
        all.map(({ part, ok, said }) => `${ok ? '✓' : '✗'} ${part.padEnd(28)} ${said}`).join('\n'),
      );
      const bad = findings.filter((each) => !each.ok).length;
      if (bad > 0)
        throw new FreshetError('check-failed', `${bad} of ${findings.length} are not as they should be`);
    });
};
