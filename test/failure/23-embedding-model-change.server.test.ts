/**
 * 23: the embedding model is changed while rows change and searches run: filled beside, killed and begun again on the way, cut over,
 * reverted, cut over again and finished. Every answer is one model's, no document goes back, and both indexes are the source (I1, I4).
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { addIndexCommands } from '../../cli/commands/index-command.ts';
import { openLmdbDocumentTable } from '../../connectors/document-table/lmdb-document-table.ts';
import { serveIndex } from '../../connectors/index-service/index-server.ts';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import { openEmbeddingModel } from '../../connectors/models/embedding/embedding-model-from-config.ts';
import { createMetrics } from '../../connectors/telemetry/metrics.ts';
import { startIndexRole } from '../../pipelines/apply-index/index-role.ts';
import { type ModelLanesService, openModelLanes } from '../../pipelines/apply-index/model-lanes.ts';
import { followLanes, type LaneFollower } from '../../pipelines/follow-lanes.ts';
import { reembedDocuments } from '../../pipelines/reembed-documents/reembed-documents.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { FreshetError } from '../../schemas/errors.ts';
import {
  documentsTopic,
  embedsBase,
  initialLanes,
  LANES_KEY,
  type LaneCommand,
  lanesFilled,
  type ModelLanes,
  moveLanes,
  valuesOfLanes,
} from '../../schemas/model-lanes.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { makeVersion } from '../../schemas/version.ts';
import { remoteConfig } from '../connectors/models/embedding/remote/remote-models.ts';
import { auditOf } from '../support/audit-of.ts';
import { type EmbeddingServer, startEmbeddingServer } from '../support/embedding-server.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilEqual } from '../support/plane-state.ts';
import { createRowLoad } from '../support/row-load.ts';
import { runCommand } from '../support/run-command.ts';
import { until } from '../support/until.ts';

const SOURCE = 'model-change';
const BASE = 'feature-hash-384';
const NEXT = 'next-model';
const failures: FreshetError[] = [];
let provider: EmbeddingServer;
let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let lanes: ModelLanesService;
let control: LaneFollower;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let wanted: ModelLanes = initialLanes(BASE);
let filling: { stop(): Promise<void> } | undefined;
let model: EmbeddingModel;

const openModel = (name: string): Promise<EmbeddingModel> =>
  openEmbeddingModel({ models: { [NEXT]: remoteConfig('ollama', provider.url) } }, name, {
    modelDirectory: '',
    workers: 1,
  });

const write = async (next: ModelLanes, action: string): Promise<void> => {
  wanted = next;
  const value = plane.codec.encode('Control', {
    ...{ kind: 'embedding', name: 'documents', action, id: `${action}-${Date.now()}` },
    ...{ values: valuesOfLanes(next), by: 'test', reason: null, at: systemClock() },
  });
  await plane.writer.append([{ topic: TOPICS.control.name, key: LANES_KEY, value }]);
};
const command = (each: LaneCommand): Promise<void> => write(moveLanes(wanted, each), each.action);

const fill = async (): Promise<void> => {
  const { kafka, writer, codec, config } = plane;
  const table = await openLmdbDocumentTable({ folder: join(folder.path, `documents-${NEXT}`) });
  const work = await reembedDocuments({
    ...{ name: NEXT, model, kafka, writer, codec, table, chunking: config.chunking, clock: systemClock },
    topic: documentsTopic(wanted, NEXT).name,
    backfillPerSecond: () => wanted.backfillPerSecond,
    onEvent: () => undefined,
    onFailure: (error) => failures.push(error),
  }).catch(async (error: unknown) => {
    await table.close();
    throw error;
  });
  filling = {
    stop: async () => {
      await work.stop();
      await table.close();
    },
  };
};

const openLanes = (): Promise<ModelLanesService> => {
  const { kafka, writer, codec, config } = plane;
  return openModelLanes({
    ...{ name: SOURCE, kafka, codec, base: BASE, remote: false, openModel },
    openIndex: (lane, laneModel, settings) =>
      startIndexRole({
        ...settings,
        ...{ kafka, writer, codec, model: laneModel, clock: systemClock },
        name: lane === null ? SOURCE : `${SOURCE}.${lane}`,
        folder: join(folder.path, `index-${lane ?? 'base'}`),
        sources: Object.keys(config.sources),
        targetMs: config.freshness.targetMs,
        timings: true,
        onEvent: () => undefined,
        onFailure: (error) => failures.push(error),
      }),
    keepOnly: async () => undefined,
    onSwitch: () => undefined,
    onTrouble: () => undefined,
  });
};

beforeAll(async () => {
  folder = await temporaryFolder();
  provider = await startEmbeddingServer();
  plane = await openDataPlane(inject('stack'), SOURCE);
  model = await openModel(NEXT);
  control = await followLanes({
    ...{ name: SOURCE, kafka: plane.kafka, codec: plane.codec, base: BASE },
    onTrouble: () => undefined,
    onLanes: async (next) => {
      if (lanesFilled(next).length > 0 && !filling) {
        await plane.kafka.admin.createTopics([documentsTopic(next, NEXT)]);
        await fill();
      }
    },
  });
  pipeline = await startPipeline(plane, folder.path, undefined, () => embedsBase(control.lanes()));
  lanes = await openLanes();
  await plane.capture();
}, 360_000);

afterAll(async () => {
  // Other files share these servers: they find things as they were.
  await plane?.writer.append([{ topic: TOPICS.control.name, key: LANES_KEY, value: null }]);
  await control?.close();
  await filling?.stop();
  await pipeline?.stop();
  await lanes?.stop();
  await model?.close();
  await plane?.close();
  await provider?.close();
  await folder?.remove();
});

/** Searches without pause, and what each answer may not be. */
const watchAnswers = () => {
  const seen = new Map<string, number>();
  const faults: string[] = [];
  const newest = new Map<string, string>();
  let going = true;
  const ended = (async () => {
    while (going) {
      const { hits, receipt } = await lanes.search({
        query: 'The word of article',
        tenant: 'acme',
        topK: 30,
        mode: 'vector',
      });
      const models = new Set(hits.map((hit) => hit.model));
      if (models.size > 1) faults.push(`hits of ${[...models].join(' and ')}`);
      for (const each of models) {
        if (each !== receipt.model) faults.push(`a hit of ${each} in an answer of ${receipt.model}`);
        seen.set(String(each), (seen.get(String(each)) ?? 0) + 1);
      }
      for (const { documentId, version } of hits) {
        if (version < (newest.get(documentId) ?? '')) faults.push(`${documentId} went back to ${version}`);
        newest.set(documentId, version);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })().catch((error: unknown) => faults.push(String(error)));
  return {
    seen,
    faults,
    stop: async () => {
      going = false;
      await ended;
    },
  };
};

const answering = (name: string) =>
  until(`${name} answers`, async () => (await lanes.lanes()).answering === name);
/** Nearly: rows go on changing. */
const covers = (name: string) =>
  until(`${name} is filled`, async () =>
    (await lanes.lanes()).lanes.some((lane) => lane.model === name && lane.behind < 500),
  );

test('the model changes under traffic: every answer is one model, and no document goes back', async () => {
  const load = createRowLoad(plane.client, 23).run();
  await until('rows are there', () => pipeline.counts.appended > 60);
  const answers = watchAnswers();
  // Slow enough for the new model's index to be behind at every switch.
  provider.delayMs = 40;
  await command({ action: 'reembed', model: NEXT, backfillPerSecond: 400 });
  await until('some of it is filled', () => provider.seen.length > 3);

  // Killed on the way: what was appended and not committed is written again, and the index's process begins anew.
  await filling?.stop();
  await fill();
  await covers(NEXT);
  // Rows change between what is compared, and a slow machine is further behind: it comes to more than this, at rest to 0.99.
  const { candidate } = await until('it finds what the old one finds', async () => {
    const comparison = await lanes.measure(40);
    return (comparison.candidate.recall ?? 0) > 0.8 && comparison;
  });
  expect(candidate).toMatchObject({ model: NEXT });
  expect(candidate.queries).toBeGreaterThan(10);

  await command({ action: 'cutover' });
  await answering(NEXT);
  await until('the new model has answered', () => (answers.seen.get(model.id) ?? 0) > 20);
  await command({ action: 'revert' });
  await answering(BASE);
  const before = answers.seen.get(BASE) ?? 0;
  await until('the old model has answered again', () => (answers.seen.get(BASE) ?? 0) > before + 20);
  await command({ action: 'cutover' });
  await answering(NEXT);
  await load.stop();
  await answers.stop();
  provider.delayMs = 0;
  expect(answers.faults).toEqual([]);
  await untilEqual(plane, lanes, model);
  expect([...failures, ...pipeline.failures]).toEqual([]);
}, 360_000);

test('the process of the index begins again where it stood: the new model answers', async () => {
  await lanes.stop();
  lanes = await openLanes();
  expect((await lanes.lanes()).answering).toBe(NEXT);
  await until('caught up', () => lanes.current());
  await untilEqual(plane, lanes, model);
});

test('both logs hold the same documents, so that a revert is as fresh', async () => {
  await plane.client.query(`INSERT INTO articles VALUES (8001, 'acme', 'Late', 'a', 'The word is hyssop.')`);
  const found = async () =>
    (await lanes.search({ query: 'hyssop', tenant: 'acme', topK: 5, mode: 'vector' })).hits.some((hit) =>
      hit.text.includes('hyssop'),
    );
  await until('found', found);
  const server = await serveIndex(lanes, {
    ...{ role: 'index', notReady: () => null },
    metrics: createMetrics('index').registry,
  });
  const { kafka, schemaRegistry } = inject('stack');
  const run = { kafka, schemaRegistry: `${schemaRegistry}/apis/ccompat/v7`, index: server.url };
  const revert = (...words: readonly string[]) =>
    runCommand((freshet, surroundings) => addIndexCommands(freshet.command('index'), surroundings), run, [
      ...['index', 'revert', ...words],
    ]);
  const reason = `as ${SOURCE} has it`;
  const audits = async () => (await auditOf(NEXT)).filter((audit) => audit.reason === reason);
  expect((await revert('--dry-run')).stdout).toBe(`${BASE} would answer\n`);
  expect(await audits()).toEqual([]);
  expect((await revert('--reason', reason)).stdout).toBe(`${BASE} answers\n`);
  wanted = moveLanes(wanted, { action: 'revert' });
  await server.close();
  expect(await audits()).toMatchObject([{ action: 'index revert', by: 'local', targets: [NEXT, BASE] }]);
  expect(await found()).toBe(true);
  await command({ action: 'cutover' });
  await answering(NEXT);
});

test('a cut-over that cannot end, as its model is down, holds up nothing that answers', async () => {
  await command({ action: 'revert' });
  await answering(BASE);
  provider.faultOf = () => ({ kind: 'status', status: 500 });
  onTestFinished(() => {
    provider.faultOf = () => undefined;
  });
  const add = (id: number, word: string) =>
    plane.client.query(`INSERT INTO articles VALUES (${id}, 'acme', 'Down', 'a', 'The word is ${word}.')`);
  const found = (word: string) =>
    until('found', async () =>
      (await lanes.search({ query: word, tenant: 'acme', topK: 5, mode: 'vector' })).hits.some((hit) =>
        hit.text.includes(word),
      ),
    );
  // Shown before the cut-over, so the new lane cannot cover it.
  await add(8010, 'comfrey');
  await found('comfrey');
  await command({ action: 'cutover' });
  for (const [at, word] of ['yarrow', 'betony', 'tansy'].entries()) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await add(8011 + at, word);
    const begun = performance.now();
    await found(word);
    expect(performance.now() - begun).toBeLessThan(5_000);
  }
  expect((await lanes.lanes()).answering).toBe(BASE);
  provider.faultOf = () => undefined;
  await answering(NEXT);
});

test('an older record that a stale owner appends late is followed by the newer one again: compaction keeps the last (I4)', async () => {
  const topic = documentsTopic(wanted, NEXT).name;
  const { hits } = await lanes.search({ query: 'hyssop', tenant: 'acme', topK: 5, mode: 'vector' });
  const id = hits.find((hit) => hit.text.includes('hyssop'))?.documentId ?? '';
  const lastOf = async (): Promise<{ record: KafkaRecord; version: string }> => {
    const found: KafkaRecord[] = [];
    await scanTopic(plane.kafka, { topic }, (record) => {
      if (record.key?.toString('utf8') === id) found.push(record);
    });
    const record = found.at(-1);
    if (!record) throw new Error(`no record of ${id}`);
    return { record, version: (await plane.codec.decode('Document', record.value)).version };
  };
  const newest = await lastOf();
  const document = await plane.codec.decode('Document', newest.record.value);
  const stale = plane.codec.encode('Document', { ...document, version: makeVersion(0, [0n, 1n]) });
  await plane.writer.append([{ topic, partition: newest.record.partition, key: id, value: stale }]);
  await until('it is appended again', async () => {
    const { record, version } = await lastOf();
    return record.offset > newest.record.offset + 1 && version === newest.version;
  });
});

test('finished, the old model is embedded with no more', async () => {
  const body = (last: string): string => `${'A part that stays as it is. '.repeat(60)}\n# Two\n${last}`;
  await plane.client.query(`INSERT INTO articles VALUES (8003, 'acme', 'Long', 'a', $1)`, [body('Sorrel.')]);
  await untilEqual(plane, lanes, model);
  await command({ action: 'finish', at: Date.now(), answering: [NEXT] });
  await until('it is closed', async () => (await lanes.lanes()).lanes.length === 1);
  await until('the pipeline knows', () => !embedsBase(control.lanes()));
  const { embedded } = pipeline.stats();
  await plane.client.query(`INSERT INTO articles VALUES (8002, 'acme', 'Last', 'a', 'The word is lovage.')`);
  await until('found by the new model', async () =>
    (await lanes.search({ query: 'lovage', tenant: 'acme', topK: 5, mode: 'vector' })).hits.some((hit) =>
      hit.text.includes('lovage'),
    ),
  );
  // A part of what the old model was asked for.
  await plane.client.query('UPDATE articles SET body = $1 WHERE id = 8003', [body('Chervil.')]);
  await until('found as it is now', async () =>
    (await lanes.search({ query: 'chervil', tenant: 'acme', topK: 5, mode: 'vector' })).hits.some((hit) =>
      hit.text.includes('Chervil'),
    ),
  );
  expect(pipeline.stats().embedded).toBe(embedded);
  await untilEqual(plane, lanes, model);
});

test('another revision under the same name goes on with nothing of the first: it is to be named anew', async () => {
  await filling?.stop();
  filling = undefined;
  const first = model;
  model = { ...first, id: `${first.id}#2` };
  const refused = await fill().catch((error: unknown) => error);
  model = first;
  expect(refused).toMatchObject({ code: 'config-invalid' });
  for (const said of [first.id, `${first.id}#2`, 'another name']) expect(String(refused)).toContain(said);
  // As it was, it goes on.
  await fill();
  await untilEqual(plane, lanes, model);
});
