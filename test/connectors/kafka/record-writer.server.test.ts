import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { RecordToAppend } from '../../../connectors/kafka/kafka.ts';
import { openRecordWriter } from '../../../connectors/kafka/record-writer.ts';
import { seededRandom } from '../../../connectors/sample-source/seeded-random.ts';
import { MAX_RECORD_BYTES } from '../../../schemas/topics.ts';
import { type KafkaUnderTest, openKafkaUnderTest } from '../../support/kafka-under-test.ts';

let kafka: KafkaUnderTest;
beforeAll(async () => {
  kafka = await openKafkaUnderTest(inject('stack').kafka);
});
afterAll(() => kafka?.close());

const LIMIT = { 'max.message.bytes': String(MAX_RECORD_BYTES) };

test('every record stands where its caller was told, in the order of its caller, however appends meet', async () => {
  const random = seededRandom(11, 'record-writer');
  const topics = [await kafka.topic(3), await kafka.topic(2)];
  const writer = openRecordWriter(kafka.client);
  const callers = Array.from({ length: 12 }, async (_, caller) => {
    const placed: { readonly record: RecordToAppend; readonly partition: number; readonly offset: number }[] =
      [];
    for (let round = 0; round < 15; round += 1) {
      const records = Array.from({ length: random.integer(1, 6) }, (__, at): RecordToAppend => {
        const chosen = random.integer(0, 2);
        return {
          topic: topics[random.integer(0, 1)] ?? '',
          ...(chosen === 2 ? {} : { partition: chosen }),
          key: `key ${random.integer(0, 20)}`,
          value: Buffer.from(`${caller}:${round}:${at}`),
          headers: { caller: String(caller) },
        };
      });
      const places = await writer.append(records);
      for (const [at, record] of records.entries())
        placed.push({ record, ...(places[at] ?? { partition: -1, offset: -1 }) });
    }
    return placed;
  });
  const placed = await Promise.all(callers);
  await writer.close();
  for (const topic of topics) {
    const log = await kafka.read(topic);
    const mine = placed.flat().filter(({ record }) => record.topic === topic);
    expect([...log.values()].flat()).toHaveLength(mine.length);
    for (const { record, partition, offset } of mine) {
      const found = log.get(partition)?.find((each) => each.offset === offset);
      expect(String(found?.value)).toBe(String(record.value));
      expect(String(found?.key)).toBe(record.key);
      expect(String(found?.headers.caller)).toBe(record.headers?.caller);
      if (record.partition !== undefined) expect(partition).toBe(record.partition);
    }
    for (const caller of placed.keys()) {
      for (const records of log.values()) {
        const order = records
          .filter((each) => String(each.headers.caller) === String(caller))
          .map((each) => String(each.value).split(':').map(Number))
          .map(([, round = 0, at = 0]) => round * 100 + at);
        expect(order).toEqual([...order].sort((a, b) => a - b));
      }
    }
    // One key, one partition.
    const homes = new Map<string, Set<number>>();
    for (const { record, partition } of mine.filter((each) => each.record.partition === undefined))
      homes.set(record.key ?? '', (homes.get(record.key ?? '') ?? new Set()).add(partition));
    for (const partitions of homes.values()) expect(partitions.size).toBe(1);
  }
});

test('one append of more than a topic takes in a batch goes through, whole and in order', async () => {
  const topic = await kafka.topic(1, LIMIT);
  const writer = openRecordWriter(kafka.client);
  const places = await writer.append(
    Array.from({ length: 20 }, (_, at) => ({
      topic,
      partition: 0,
      key: String(at),
      value: Buffer.alloc(1_000_000, at),
    })),
  );
  await writer.close();
  expect(places.map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, at) => at));
  const log = await kafka.read(topic);
  expect(log.get(0)?.map((each) => String(each.key))).toEqual(
    Array.from({ length: 20 }, (_, at) => String(at)),
  );
});

test('a record that the topic refuses fails its own append and those beside it; the next one passes', async () => {
  const topic = await kafka.topic(1, LIMIT);
  const writer = openRecordWriter(kafka.client);
  await expect(
    writer.append([{ topic, partition: 0, key: 'big', value: Buffer.alloc(MAX_RECORD_BYTES + 1) }]),
  ).rejects.toMatchObject({ code: 'append-failed' });
  expect(await writer.append([{ topic, partition: 0, key: 'small', value: null }])).toEqual([
    { partition: 0, offset: 0 },
  ]);
  await writer.close();
});

test('a topic that is not there fails its append', async () => {
  const writer = openRecordWriter(kafka.client);
  await expect(writer.append([{ topic: 'test.nowhere', key: 'a', value: null }])).rejects.toMatchObject({
    code: 'append-failed',
  });
  await writer.close();
});
