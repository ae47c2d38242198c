/** The closed loop: what an agent ends with is found like a row, marked as such, and is withdrawn by a person's word. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { plannedAnswerOf } from '../../agents/runtime/answer.ts';
import { addDocumentCommand } from '../../cli/commands/document.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { defineAgent } from '../../schemas/agent-definition.ts';
import { systemClock } from '../../schemas/clock.ts';
import { defineConfig, mapResult } from '../../schemas/config.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import type { Audit, Result } from '../../schemas/records.ts';
import { RESULT_SOURCE, resultTable } from '../../schemas/result-source.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { runCommand } from '../support/run-command.ts';
import { until } from '../support/until.ts';
import { type GatewayUnderTest, startGatewayUnderTest } from './gateway-under-test.ts';

const SUFFIX = randomUUID().slice(0, 8);
const WRITER = `digest-${SUFFIX}`;
const SILENT = `silent-${SUFFIX}`;
const TENANT = `acme-${SUFFIX}`;

const open = async () => {
  const stack = inject('stack');
  const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'results-flow-back' });
  await kafka.admin.createTopics(Object.values(TOPICS));
  const registry = openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`);
  const codec = await openRecordCodec(registry);
  const config = defineConfig({
    sources: {},
    agents: [WRITER, SILENT].map((name) => defineAgent({ name, version: '1', instructions: 'Sum up.' })),
    results: {
      [WRITER]: mapResult<{ topic: string; digest: string }>({
        title: ({ value }) => value.topic,
        text: ({ value }) => value.digest,
      }),
    },
  });
  const writer = openRecordWriter(kafka);
  const folder = await temporaryFolder();
  return { kafka, codec, writer, registry, config, folder, url: '', source: `flow-${SUFFIX}` };
};

let plane: Awaited<ReturnType<typeof open>>;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let under: GatewayUnderTest;

beforeAll(async () => {
  plane = await open();
  pipeline = await startPipeline(plane, plane.folder.path);
  index = await startIndex(plane, plane.folder.path);
  under = await startGatewayUnderTest({ index });
}, 360_000);

afterAll(async () => {
  await under?.close();
  await pipeline?.stop();
  await index?.stop();
  await plane?.writer.close();
  await plane?.kafka.close();
  await plane?.folder.remove();
});

const answerOf = (value: JsonValue): string =>
  JSON.stringify(plannedAnswerOf({ passages: [], phase: { kind: 'idle' } } as never, value));

const resultOf = (word: string, over: Partial<Result> = {}): Result => ({
  ...{ taskId: `${word}-${SUFFIX}`, executionId: `x-${word}-${SUFFIX}`, agent: WRITER, behaviour: '1' },
  ...{ tenant: TENANT, sessionId: null, outcome: 'completed', error: null, partial: null },
  output: answerOf({ topic: `On ${word}`, digest: `The word is ${word}.` }),
  ...{ receipt: '{}', costUsd: '0', steps: 1, createdAt: 1, startedAt: 2, completedAt: systemClock() },
  ...over,
});
const idOf = ({ agent, taskId }: Result): string =>
  documentIdOf(RESULT_SOURCE, resultTable(agent), { id: taskId });
const write = (...results: readonly Result[]) =>
  plane.writer.append(
    results.map((each) => ({
      topic: TOPICS.results.name,
      key: each.taskId,
      value: plane.codec.encode('Result', each),
    })),
  );
const kindOf = async (result: Result) => (await index.document(idOf(result)))?.record.kind;
const search = async (query: string, tenant = TENANT) =>
  index.search({ query, tenant, topK: 20, filter: { source: RESULT_SOURCE } });
/** Everything that stands in the log by now was taken on. */
const takenOn = async (...results: readonly Result[]) => {
  const partitions = new Set((await write(...results)).map(({ partition }) => partition));
  while (partitions.size > 0) {
    const fence = resultOf(`fence-${randomUUID()}`);
    const [place] = await write(fence);
    if (!place || !partitions.delete(place.partition)) continue;
    await until('the fence is there', async () => (await kindOf(fence)) === 'document');
  }
};

test('it is found by its tenant alone, with its age and with who wrote it; of other agents and of failures nothing is', async () => {
  const loom = resultOf('loom');
  const others = [
    resultOf('awl', { agent: SILENT }),
    resultOf('bodkin', { outcome: 'failed' }),
    resultOf('creel', { output: answerOf({ topic: 'On creel', digest: '' }) }),
    resultOf('dibble', { output: JSON.stringify({ text: 'No shape.', citations: [] }) }),
  ];
  await takenOn(loom, ...others);
  const { hits, receipt } = await search('The word is loom.');
  const hit = hits.find(({ documentId }) => documentId === idOf(loom));
  expect(hit).toMatchObject({
    title: 'On loom',
    text: expect.stringContaining('The word is loom.'),
    metadata: {
      ...{ kind: 'result', origin: 'model', agent: WRITER, behaviour: '1', source: RESULT_SOURCE },
      executionId: loom.executionId,
    },
  });
  expect(hit?.ageMs).toBeGreaterThanOrEqual(0);
  expect(hit?.ageMs).toBeLessThan(120_000);
  // What an agent wrote makes no answer of unknown age: no source is behind it.
  expect(Object.keys(receipt.watermarks)).not.toContain(RESULT_SOURCE);
  expect((await search('The word is loom.', 'other')).hits).toEqual([]);
  expect(await Promise.all(others.map(kindOf))).toEqual([undefined, undefined, 'refused', 'refused']);
}, 240_000);

test('a person withdraws one: audited, found no more, and not back when its result comes again', async () => {
  const kiln = resultOf('kiln');
  const stays = resultOf('lathe');
  await takenOn(kiln, stays);
  const command = (args: readonly string[]) =>
    runCommand(addDocumentCommand, { gateway: under.gateway.url }, args);
  const why = 'wrong about kilns';
  const dry = await command(['document', 'withdraw', idOf(kiln), '--reason', why, '--dry-run']);
  expect(dry.stdout).toContain(`would withdraw ${idOf(kiln)}  On kiln`);
  expect(await kindOf(kiln)).toBe('document');
  const { stdout } = await command(['document', 'withdraw', idOf(kiln), '--reason', why, '--yes']);
  expect(stdout).toContain(`withdrew ${idOf(kiln)}`);
  await until('it is found no more', async () => (await kindOf(kiln)) === 'deleted');
  await takenOn(kiln);
  expect(await kindOf(kiln)).toBe('deleted');
  expect((await search('The word is kiln.')).hits.map(({ documentId }) => documentId)).not.toContain(
    idOf(kiln),
  );
  expect(await kindOf(stays)).toBe('document');
  const audits: Audit[] = [];
  await scanTopic(plane.kafka, { topic: TOPICS.audit.name }, async ({ value }) => {
    audits.push(await plane.codec.decode('Audit', value));
  });
  expect(audits.filter(({ targets }) => targets.includes(idOf(kiln)))).toMatchObject([
    { action: 'document withdraw', reason: why, by: 'local' },
  ]);
}, 240_000);

test('only what an agent wrote is withdrawn so, and only what is there', async () => {
  const withdraw = (documentId: string) =>
    under.call('/v1/documents/withdraw', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ documentId, reason: 'why' }),
    });
  expect(await withdraw('shop/public.articles/1')).toMatchObject({
    status: 400,
    body: { code: 'request-invalid' },
  });
  expect(await withdraw(idOf(resultOf('nobody')))).toMatchObject({ status: 404 });
});
