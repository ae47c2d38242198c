/** Markers of memories that ended long ago: the log lets them go, and every index with it, whenever it reads. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { endedMemory, memoryPartition, memoryRecord } from '../../agents/memory/memory-record.ts';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { openRecordCodec } from '../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { systemClock } from '../../schemas/clock.ts';
import { defineConfig } from '../../schemas/config.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import { MEMORY_SOURCE, MEMORY_TABLE } from '../../schemas/memory-source.ts';
import type { Memory } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { until } from '../support/until.ts';

const memory = (word: string, at = systemClock()): Memory => ({
  memoryId: `behaviour-${word}`,
  ...{ kind: 'behaviour', state: 'kept', tenant: 'acme', agent: 'ended', sessionId: null },
  ...{ title: word, text: `The word is ${word}.`, origin: 'user', uses: 1 },
  ...{ createdAt: at, at, expiresAt: at + 3_600_000_000, executionId: null, places: [], reason: null },
});
const idOf = ({ memoryId }: Memory): string => documentIdOf(MEMORY_SOURCE, MEMORY_TABLE, { id: memoryId });

const open = async () => {
  const stack = inject('stack');
  const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'ended-memories' });
  await kafka.admin.createTopics(Object.values(TOPICS));
  const registry = openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`);
  const codec = await openRecordCodec(registry);
  const config = defineConfig({ sources: {}, agents: [] });
  const lettingGo = { kept: { prunedMs: 0, forgottenMs: 0 }, everyMs: 200 };
  const writer = openRecordWriter(kafka);
  const folder = await temporaryFolder();
  return { kafka, codec, writer, registry, config, folder, url: '', source: 'ended', lettingGo };
};

let plane: Awaited<ReturnType<typeof open>>;
let pipeline: Awaited<ReturnType<typeof startPipeline>> | undefined;
const indexes: Awaited<ReturnType<typeof startIndex>>[] = [];

const openIndex = async (name: string): Promise<Awaited<ReturnType<typeof startIndex>>> => {
  const index = await startIndex(plane, `${plane.folder.path}/${name}`, name);
  indexes.push(index);
  return index;
};
const write = (...memories: readonly Memory[]) =>
  plane.writer.append(memories.map((each) => memoryRecord(plane.codec, each)));

beforeAll(async () => {
  plane = await open();
  pipeline = await startPipeline(plane, plane.folder.path);
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  for (const index of indexes) await index.stop().catch(() => undefined);
  await plane?.writer.close();
  await plane?.kafka.close();
  await plane?.folder.remove();
});

test('nothing is left of it in the log, in the index, in one that was away, and in one that is rebuilt; it can be learned again', async () => {
  const suffix = randomUUID().slice(0, 8);
  const [pruned, forgotten, kept] = ['anvil', 'bellows', 'chisel'].map((word) => memory(`${word}-${suffix}`));
  if (!pruned || !forgotten || !kept) throw new Error('three memories');
  const ended = [pruned, forgotten];
  const index = await openIndex(`ended-${suffix}`);
  const away = await openIndex(`away-${suffix}`);
  await write(pruned, forgotten, kept);
  for (const each of [index, away])
    for (const one of [...ended, kept])
      await until('it is there', async () => (await each.document(idOf(one)))?.record.kind === 'document');
  await away.stop();

  await write(
    endedMemory(pruned, 'pruned', 'too-many', systemClock()),
    endedMemory(forgotten, 'forgotten', 'asked', systemClock()),
  );
  for (const one of ended)
    await until('its marker has gone', async () => (await index.document(idOf(one))) === undefined);
  expect((await index.document(idOf(kept)))?.record.kind).toBe('document');
  const last = new Map<string, Buffer | null>();
  await scanTopic(
    plane.kafka,
    { topic: TOPICS.documents.name, partitions: [memoryPartition(pruned)] },
    (record) => {
      last.set(String(record.key), record.value);
    },
  );
  expect(ended.map((one) => last.get(idOf(one)))).toEqual([null, null]);
  expect(last.get(idOf(kept))).not.toBeNull();

  const back = await startIndex(plane, `${plane.folder.path}/away-${suffix}`, `away-${suffix}`);
  indexes.push(back);
  for (const one of ended)
    await until('it has gone there too', async () => (await back.document(idOf(one))) === undefined);
  expect((await back.document(idOf(kept)))?.record.kind).toBe('document');
  for await (const progress of index.rebuild())
    if (progress.done) expect(progress.report).toMatchObject({ identical: true, different: [] });
  expect(await index.document(idOf(pruned))).toBeUndefined();

  await write({ ...pruned, at: systemClock() });
  await until(
    'it is there again',
    async () => (await index.document(idOf(pruned)))?.record.kind === 'document',
  );
}, 240_000);
