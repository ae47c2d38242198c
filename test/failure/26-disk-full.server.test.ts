/**
 * Fault 26: the disk fills under the index, or under the broker. Both turn read-only and say so, lose nothing that was
 * acknowledged, and go on when space is back.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';
import { startStack } from '../../connectors/stack/start-stack.ts';
import { mountSmallDisk } from '../connectors/vector-index/small-disk.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startTestStack, type TestStack } from '../support/own-stack.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilEqual } from '../support/plane-state.ts';
import { until } from '../support/until.ts';

let stack: TestStack;
let plane: DataPlane;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  // A log of its own: what other tests have written to the shared one may fill so small a disk by itself.
  stack = await startTestStack({ servers: ['kafka', 'schemaRegistry', 'connect', 'postgres'] });
  plane = await openDataPlane(stack, 'full-disk');
  await plane.client.query(`INSERT INTO articles VALUES (1, 'acme', 'First', 'a', 'The word is greengage.')`);
  pipeline = await startPipeline(plane, folder.path);
  await plane.capture();
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await plane?.close();
  await stack?.stop();
  await folder?.remove();
});

test('under the index: it answers on, is red, and catches up', async (context) => {
  const disk = mountSmallDisk(60);
  if (!disk) return context.skip();
  const index = await startIndex(plane, disk.folder);
  const finds = async (word: string): Promise<boolean> =>
    (await index.search({ query: word, tenant: 'acme', topK: 20 })).hits.some(({ text }) =>
      text.includes(word),
    );
  try {
    await until('the first row', () => finds('greengage'));
    disk.fill(0);
    await plane.client.query(
      `INSERT INTO articles SELECT n, 'acme', 'More', 'a', repeat('Sentence of many words. ', 100) FROM generate_series(10, 200) AS n`,
    );
    await plane.client.query(
      `INSERT INTO articles VALUES (2, 'acme', 'Second', 'a', 'The word is bullace.')`,
    );
    await until('it says that the disk is full', () => index.trouble());
    expect(index.trouble()).toMatchObject({ code: 'disk-full' });
    expect((await index.status()).trouble).toContain('full');
    expect(await finds('greengage')).toBe(true);
    expect(await finds('bullace')).toBe(false);
    disk.empty();
    await until('it goes on', () => finds('bullace'));
    await untilEqual(plane, index);
    expect(index.trouble()).toBeNull();
    expect(index.failures).toEqual([]);
  } finally {
    await index.stop();
    disk.unmount();
  }
});

test('under the broker: nothing acknowledged is lost, and writes go on', async (context) => {
  const disk = mountSmallDisk(400);
  if (!disk) return context.skip();
  const broker = await startStack({
    dataDirectory: `${disk.folder}/servers`,
    cacheDirectory: cacheDirectoryOf(process.env),
    environment: process.env,
    ports: 'free',
    servers: ['kafka'],
  });
  const topic = 'full';
  const kafka = await createKafkaJsClient({ brokers: [broker.kafka], clientId: 'full-disk' });
  const writer = openRecordWriter(kafka);
  const acknowledged: string[] = [];
  const append = async (key: string, bytes: number): Promise<void> => {
    await writer.append([{ topic, partition: 0, key, value: Buffer.alloc(bytes, key) }]);
    acknowledged.push(key);
  };
  try {
    await kafka.admin.createTopics([
      {
        name: topic,
        partitions: 1,
        settings: { 'max.message.bytes': '2000000', 'compression.type': 'uncompressed' },
      },
    ]);
    await append('before', 100);
    disk.fill(3_000_000);
    let refusal: unknown;
    for (let at = 0; at < 20 && !refusal; at += 1)
      await append(`filling-${at}`, 900_000).catch((error: unknown) => {
        refusal = error;
      });
    expect(refusal).toMatchObject({ code: 'append-failed' });
    disk.empty();
    // As `freshet up` does with a server that ended.
    await broker.startServer('kafka').catch(() => undefined);
    await until(
      'it takes records again',
      () =>
        append('after', 100).then(
          () => true,
          () => false,
        ),
      {
        every: 500,
      },
    );
    const held: string[] = [];
    await scanTopic(kafka, { topic }, (record) => {
      held.push(String(record.key));
    });
    expect(held).toEqual(expect.arrayContaining(acknowledged));
  } finally {
    await writer.close();
    await kafka.close();
    await broker.stop();
    disk.unmount();
  }
}, 360_000);
