import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { KafkaRecord } from '../../../connectors/kafka/kafka.ts';
import { openRecordWriter } from '../../../connectors/kafka/record-writer.ts';
import { type ScanRange, scanTopic } from '../../../connectors/kafka/scan.ts';
import { type KafkaUnderTest, openKafkaUnderTest } from '../../support/kafka-under-test.ts';

let kafka: KafkaUnderTest;
let topic: string;
beforeAll(async () => {
  kafka = await openKafkaUnderTest(inject('stack').kafka);
  topic = await kafka.topic(3);
  const writer = openRecordWriter(kafka.client);
  for (let at = 0; at < 20; at += 1)
    await writer.append(
      [0, 1].map((partition) => ({ topic, partition, key: null, value: Buffer.from(`${at}`) })),
    );
  await writer.close();
});
afterAll(() => kafka?.close());

const scanned = async (range: Omit<ScanRange, 'topic'>, onRecord?: (record: KafkaRecord) => unknown) => {
  const offsets: Record<number, number[]> = {};
  await scanTopic(kafka.client, { topic, ...range }, (record) => {
    offsets[record.partition] = [...(offsets[record.partition] ?? []), record.offset];
    return onRecord?.(record);
  });
  return offsets;
};
const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from }, (_, at) => from + at);

test('all of a topic, in order within each partition', async () => {
  expect(await scanned({})).toEqual({ 0: range(0, 20), 1: range(0, 20) });
});

test('a stretch of some partitions', async () => {
  expect(await scanned({ partitions: [1], from: new Map([[1, 5]]), to: new Map([[1, 9]]) })).toEqual({
    1: range(5, 9),
  });
  expect(await scanned({ from: new Map([[0, 18]]), to: new Map([[1, 2]]) })).toEqual({
    0: [18, 19],
    1: [0, 1],
  });
});

test('an empty stretch ends at once; one past the end is cut to it', async () => {
  expect(await scanned({ partitions: [2] })).toEqual({});
  expect(await scanned({ partitions: [0], from: new Map([[0, 9]]), to: new Map([[0, 9]]) })).toEqual({});
  expect(await scanned({ partitions: [0], from: new Map([[0, 17]]), to: new Map([[0, 99]]) })).toEqual({
    0: [17, 18, 19],
  });
});

test('false ends it early, at exactly that record', async () => {
  const seen = await scanned({ partitions: [0] }, (record) => record.offset < 7);
  expect(seen).toEqual({ 0: range(0, 8) });
});

test('a promise holds it back: no record is handed out while one is in hand', async () => {
  let open = 0;
  await scanned({}, async () => {
    open += 1;
    expect(open).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
  });
});

test('what is thrown by whoever looks on ends it', async () => {
  await expect(
    scanned({}, (record) => {
      if (record.offset === 3) throw new Error('enough');
    }),
  ).rejects.toThrow('enough');
});

test('records appended while it runs are not part of it', async () => {
  const own = await kafka.topic(1);
  const writer = openRecordWriter(kafka.client);
  const append = () => writer.append([{ topic: own, partition: 0, key: null, value: null }]);
  for (let at = 0; at < 5; at += 1) await append();
  const seen: number[] = [];
  await scanTopic(kafka.client, { topic: own }, async ({ offset }) => {
    seen.push(offset);
    await append();
  });
  expect(seen).toEqual(range(0, 5));
  await writer.close();
});

test('a partition compacted or deleted at its beginning is read from what is left', async () => {
  await kafka.deleteRecordsBefore(topic, 1, 15);
  expect(await scanned({ partitions: [1], from: new Map([[1, 2]]) })).toEqual({ 1: range(15, 20) });
});
