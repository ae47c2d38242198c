/**
 * The index role at size: documents are produced to freshet.documents, the role reads them as after a loss of its disk,
 * is restarted, and is searched while updates arrive. Kafka and the registry are real; the role is a process of its own.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type RoleProcess, startRole } from '../cli/start/start-role.ts';
import { openIndexClient } from '../connectors/index-service/index-client.ts';
import { createKafkaJsClient } from '../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../connectors/kafka/record-writer.ts';
import { createHashEmbeddingModel } from '../connectors/models/embedding/hash-embedding-model.ts';
import { openRecordCodec } from '../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../connectors/registry/schema-registry.ts';
import { seededRandom } from '../connectors/sample-source/seeded-random.ts';
import { cacheDirectoryOf } from '../connectors/stack/cache-directory.ts';
import { startStack } from '../connectors/stack/start-stack.ts';
import type { SearchRequest } from '../schemas/search.ts';
import { TOPICS } from '../schemas/topics.ts';
import { type Bench, type Figures, percentile } from './support/bench.ts';
import { startLoadProcess } from './support/load-process.ts';
import { produceDocuments } from './support/produce-documents.ts';
import { questionOf, type SyntheticSettings, tenantOf } from './support/synthetic-documents.ts';
import { trueNeighbours } from './support/true-neighbours.ts';
import { startUpsertLoad, type UpsertLoad } from './support/upsert-load.ts';

const SMALL_TENANT_EVERY = 100;
const TOP_K = 10;
const RECALL_QUESTIONS = 100;
const PRODUCED_AT_ONCE = 1_000;
const UPSERTS_A_SECOND = 200;
const WARM_UP_SECONDS = 10;
const SEARCHED_SECONDS = 60;
const model = createHashEmbeddingModel();

type Tell = (line: string) => void;

const memoryOf = (pid: number): { readonly resident: number; readonly anonymous: number } => {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mebibytes = (name: string): number =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? Number.NaN) / 1024);
  return { resident: mebibytes('Rss'), anonymous: mebibytes('Anonymous') };
};

const mebibytesIn = (folder: string): number =>
  Number(execFileSync('du', ['-sm', folder], { encoding: 'utf8' }).split('\t')[0]);

const measure = async (documents: number, tell: Tell, signal: AbortSignal): Promise<Figures> => {
  const root = mkdtempSync(join(tmpdir(), 'freshet-scale-'));
  const settings: SyntheticSettings = { documents, smallTenantEvery: SMALL_TENANT_EVERY, model };
  const random = seededRandom('scale', documents);
  const stack = await startStack({
    dataDirectory: join(root, 'stack'),
    cacheDirectory: cacheDirectoryOf(process.env),
    environment: process.env,
    ports: 'free',
    servers: ['kafka', 'schemaRegistry'],
    signal,
  });
  const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'bench-scale' });
  const writer = openRecordWriter(kafka);
  const registry = `${stack.schemaRegistry}/apis/ccompat/v7`;
  let role: RoleProcess | undefined;
  let load: UpsertLoad | undefined;
  const start = async (): Promise<number> => {
    const begun = performance.now();
    role = await startRole({
      role: 'index',
      name: 'index-1',
      options: {
        kafka: stack.kafka,
        registry,
        connect: stack.connect,
        config: fileURLToPath(new URL('freshness-instant.config.ts', import.meta.url)),
        data: join(root, 'roles'),
        models: stack.modelDirectory,
      },
      logFolder: root,
      environment: process.env,
      onExit: (error) => tell(error.message),
    });
    return begun;
  };
  const untilCurrent = async (): Promise<void> => {
    while (!(await openIndexClient(role?.url ?? '').status()).current) await sleep(50);
  };
  const figures: Record<string, Figures[string]> = {};
  try {
    await kafka.admin.createTopics(Object.values(TOPICS));
    const codec = await openRecordCodec(openSchemaRegistry(registry));
    const asked = Array.from({ length: RECALL_QUESTIONS }, () => {
      const at = random.integer(0, documents - 1);
      return at % SMALL_TENANT_EVERY === 0 ? at + 1 : at;
    }).map((at) => questionOf(settings, at));
    const neighbours = trueNeighbours(await model.embed(asked), TOP_K);
    const producedFrom = performance.now();
    for (let from = 0; from < documents; from += PRODUCED_AT_ONCE) {
      signal.throwIfAborted();
      const count = Math.min(PRODUCED_AT_ONCE, documents - from);
      await produceDocuments(
        { writer, codec },
        settings,
        Array.from({ length: count }, (_, place) => ({ at: from + place, revision: 1 })),
        (at, vector) => tenantOf(settings, at) === 'large' && neighbours.add(String(at), vector),
      );
      if (from % 100_000 === 0) tell(`${from} documents produced`);
    }
    tell(`produced in ${((performance.now() - producedFrom) / 1_000).toFixed(0)} s`);

    const begun = await start();
    let toldAt = 0;
    for (;;) {
      await sleep(500);
      const status = await openIndexClient(role?.url ?? '').status();
      const first = status.current && figures['read from the log'] === undefined;
      if (status.documents >= toldAt + 50_000 || first) {
        toldAt = status.documents;
        tell(
          `${status.documents} documents, ${status.build.recent} not built in, after ${((performance.now() - begun) / 1_000).toFixed(0)} s`,
        );
      }
      if (first) figures['read from the log'] = { value: (performance.now() - begun) / 1_000, unit: 's' };
      if (status.current && !status.build.running && status.build.recent < 20_000) break;
    }
    figures['read and built'] = { value: (performance.now() - begun) / 1_000, unit: 's' };
    figures['rows a second'] = { value: documents / (figures['read from the log']?.value ?? 1), unit: '/s' };

    const stopped = performance.now();
    await role?.stop();
    figures.stopped = { value: (performance.now() - stopped) / 1_000, unit: 's' };
    const restarted = await start();
    await untilCurrent();
    figures['ready after a restart'] = {
      value: (performance.now() - restarted) / 1_000,
      unit: 's',
      target: { atMost: 10 },
    };
    process.kill(role?.pid ?? 0, 'SIGKILL');
    await sleep(500);
    const killed = await start();
    await untilCurrent();
    figures['ready after kill -9'] = {
      value: (performance.now() - killed) / 1_000,
      unit: 's',
      target: { atMost: 10 },
    };
    const url = role?.url ?? '';
    const client = openIndexClient(url);
    let found = 0;
    for (const [at, query] of asked.entries()) {
      const { hits } = await client.search({ query, tenant: 'large', topK: TOP_K, mode: 'vector' });
      const least = neighbours.leastScore(at) - 1e-6;
      found += hits.filter(({ score }) => score >= least).length;
    }
    figures['recall@10'] = {
      value: found / (RECALL_QUESTIONS * TOP_K),
      unit: '',
      target: { atLeast: 0.98 },
    };
    const keywordsFrom = performance.now();
    while ((await client.status()).keywords?.ready === false) await sleep(500);
    figures['words ready after'] = { value: (performance.now() - keywordsFrom) / 1_000, unit: 's' };
    const upserts = startUpsertLoad({
      ...{ broker: stack.kafka, registry, documents },
      ...{ smallTenantEvery: SMALL_TENANT_EVERY, perSecond: UPSERTS_A_SECOND },
    });
    load = upserts;
    const searched = async (
      name: string,
      asking: Pick<SearchRequest, 'tenant' | 'mode'>,
      atMost: { readonly p50?: number; readonly p99?: number } = {},
    ) => {
      const searches = startLoadProcess('search-process.ts', {
        ...{ url, documents, smallTenantEvery: SMALL_TENANT_EVERY, topK: TOP_K, ...asking },
        ...{ warmUpSeconds: WARM_UP_SECONDS, seconds: SEARCHED_SECONDS },
      });
      const times = z.array(z.number()).parse(await searches.printed);
      const { build } = await client.status();
      tell(`${name}: ${times.length} searches, ${build.recent} rows not built in`);
      for (const [at, share] of [
        ['p50', 50],
        ['p99', 99],
      ] as const) {
        const most = atMost[at];
        figures[`${name} ${at}`] = {
          ...{ value: percentile(times, share), unit: 'ms' },
          ...(most === undefined ? {} : { target: { atMost: most } }),
        };
      }
      figures[`${name} max`] = { value: percentile(times, 100), unit: 'ms' };
    };
    await searched('search', { tenant: 'large', mode: 'vector' }, { p50: 4, p99: 10 });
    await searched('search of 1 %', { tenant: 'small', mode: 'vector' }, { p99: 15 });
    await searched('hybrid search of 1 %', { tenant: 'small', mode: 'hybrid' });
    load = undefined;
    figures['upserts under way'] = { value: await upserts.stop(), unit: '' };
    const memory = memoryOf(role?.pid ?? 0);
    figures['memory resident'] = { value: memory.resident, unit: 'MiB' };
    figures['memory anonymous'] = { value: memory.anonymous, unit: 'MiB' };
    figures['disk of the index'] = { value: mebibytesIn(join(root, 'roles')), unit: 'MiB' };
    figures['disk of the log'] = { value: mebibytesIn(join(root, 'stack')), unit: 'MiB' };
    return figures;
  } finally {
    await load?.stop().catch((error: unknown) => tell(String(error)));
    await role?.stop();
    await writer.close();
    await kafka.close();
    await stack.stop();
    rmSync(root, { recursive: true, force: true });
  }
};

const scaleBench = (name: string, documents: number): Bench => ({
  name,
  measures: `the index role with ${documents.toLocaleString('en')} documents, 200 upserts/s arriving: search, restart, memory, disk`,
  runs: 1,
  run: (tell, signal) => measure(documents, tell, signal),
});

export const scaleBenches: readonly Bench[] = [
  scaleBench('scale-100k', 100_000),
  scaleBench('scale-1m', 1_000_000),
];
