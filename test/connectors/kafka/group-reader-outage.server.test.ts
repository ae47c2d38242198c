/** A broker that is away for a moment, while a reader asks it where to begin or what a hole is, ends no role. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, onTestFinished, test } from 'vitest';
import { openGroupReader } from '../../../connectors/kafka/group-reader.ts';
import type { KafkaClient, RawConsumerEvents } from '../../../connectors/kafka/kafka.ts';
import { openRecordWriter, type RecordWriter } from '../../../connectors/kafka/record-writer.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { type KafkaUnderTest, openKafkaUnderTest } from '../../support/kafka-under-test.ts';
import { until } from '../../support/until.ts';

let kafka: KafkaUnderTest;
let writer: RecordWriter;
beforeAll(async () => {
  kafka = await openKafkaUnderTest(inject('stack').kafka);
  writer = openRecordWriter(kafka.client);
});
afterAll(async () => {
  await writer?.close();
  await kafka?.close();
});

const away = (): FreshetError => new FreshetError('kafka-unavailable', 'away');

test('no answer at first: partitions are taken on once, read from their place, and read on behind a hole', async () => {
  const topic = await kafka.topic(1);
  const append = (count: number) =>
    writer.append(
      Array.from({ length: count }, () => ({ topic, partition: 0, key: null, value: Buffer.from('x') })),
    );
  await append(3);
  let refusals = 1;
  let events: RawConsumerEvents | undefined;
  const client: KafkaClient = {
    ...kafka.client,
    admin: {
      ...kafka.client.admin,
      offsets: (name) => {
        refusals -= 1;
        return refusals >= 0 ? Promise.reject(away()) : kafka.client.admin.offsets(name);
      },
    },
    consume: (settings, given) => {
      events = given;
      return kafka.client.consume(settings, given);
    },
  };
  const read: number[] = [];
  const failures: FreshetError[] = [];
  let asked = 0;
  const reader = await openGroupReader(
    client,
    { groupId: `test.${randomUUID()}`, topics: [topic], maxWaitMs: 50 },
    {
      onAssigned: (partitions) => {
        asked += 1;
        return asked === 1
          ? Promise.reject(away())
          : Promise.resolve(partitions.map((at) => ({ ...at, offset: 1 })));
      },
      onRevoked: () => undefined,
      onBatch: ({ records }) => {
        for (const { offset } of records) read.push(offset);
      },
      onFailure: (error) => failures.push(error),
    },
  );
  onTestFinished(() => reader.close());
  await until('read or told', () => read.length === 2 || failures.length > 0);
  expect(failures).toEqual([]);
  expect(read).toEqual([1, 2]);
  expect(asked).toBe(2);

  // As the library says it of a batch whose last records compaction took.
  refusals = 1;
  events?.onBatch({ topic, partition: 0, fetchedFrom: 4, highWatermark: 5, records: [] });
  await append(3);
  await until('read on or told', () => read.at(-1) === 5 || failures.length > 0);
  expect(failures).toEqual([]);
});
