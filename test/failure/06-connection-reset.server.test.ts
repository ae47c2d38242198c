/** Fault 6: connections cut at produce requests, others waiting: what is acknowledged stands in the log, once, in order. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createKafkaJsClient } from '../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../connectors/kafka/record-writer.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { seededRandom } from '../../connectors/sample-source/seeded-random.ts';
import type { Document } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { openDataPlane } from '../support/indexed-source.ts';
import { type KafkaUnderTest, openKafkaUnderTest } from '../support/kafka-under-test.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilCounted, untilEqual } from '../support/plane-state.ts';
import { createRowLoad } from '../support/row-load.ts';
import { type Cut, type Request, startTcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

const SEED = 6;
let kafka: KafkaUnderTest;
beforeAll(async () => {
  kafka = await openKafkaUnderTest(inject('stack').kafka);
});
afterAll(() => kafka?.close());

const someCuts = (random: { integer(least: number, most: number): number }): Cut =>
  (['before', 'sent', 'answered'] as const)[random.integer(0, 11)] ?? 'none';

test('appends of many callers over connections that are cut', async () => {
  const random = seededRandom(SEED, 'cuts');
  let cutting = true;
  const proxy = await startTcpProxy(inject('stack').kafka, (request) =>
    cutting && request === 'produce' ? someCuts(random) : 'none',
  );
  const client = await createKafkaJsClient({ brokers: [proxy.address], clientId: 'cut' });
  const writer = openRecordWriter(client);
  const topic = await kafka.topic(3);
  const acknowledged: { readonly value: string; readonly partition: number; readonly offset: number }[] = [];
  const failed = new Set<string>();
  await Promise.all(
    Array.from({ length: 8 }, async (_, caller) => {
      for (let round = 0; round < 12; round += 1) {
        const values = Array.from(
          { length: 1 + ((caller + round) % 3) },
          (__, at) => `${caller}:${round}:${at}`,
        );
        const records = values.map((value, at) => ({
          topic,
          partition: (caller + at) % 3,
          key: null,
          value: Buffer.from(value),
        }));
        try {
          const places = await writer.append(records);
          for (const [at, value] of values.entries())
            acknowledged.push({ value, ...(places[at] ?? { partition: -1, offset: -1 }) });
        } catch {
          for (const value of values) failed.add(value);
        }
      }
    }),
  );
  const { before, sent, answered } = proxy.cuts();
  cutting = false;
  await writer.close();
  await client.close();
  await proxy.close();
  for (const cuts of [before, sent, answered]) expect(cuts).toBeGreaterThan(0);

  const log = await kafka.read(topic);
  const values = [...log.values()].flat().map((record) => String(record.value));
  for (const { value, partition, offset } of acknowledged) {
    expect(String(log.get(partition)?.find((record) => record.offset === offset)?.value)).toBe(value);
    expect(values.filter((each) => each === value)).toHaveLength(1);
  }
  for (const value of values)
    expect(failed.has(value) || acknowledged.some((each) => each.value === value)).toBe(true);
  for (const records of log.values()) {
    for (let caller = 0; caller < 8; caller += 1) {
      const mine = records
        .map((record) => String(record.value).split(':').map(Number))
        .filter(([who]) => who === caller);
      const order = mine.map(([, round = 0, at = 0]) => round * 10 + at);
      expect(order).toEqual([...order].sort((a, b) => a - b));
    }
  }
}, 360_000);

test('index-documents over connections that are cut, once until its producer gives up: nothing lost, nothing twice in the log', async () => {
  const random = seededRandom(SEED, 'pipeline cuts');
  // A producer that fails for good although all it sent stands in the log: the retry must find it there.
  let forGood = 0;
  let cutting = true;
  const decide = (request: Request): Cut => {
    if (!cutting || request !== 'produce') return 'none';
    if (forGood > 0) {
      forGood -= 1;
      return 'answered';
    }
    return someCuts(random);
  };
  const proxy = await startTcpProxy(inject('stack').kafka, decide);
  const folder = await temporaryFolder();
  const plane = await openDataPlane({ ...inject('stack'), kafka: proxy.address }, 'connection-reset');
  await plane.capture();
  const pipeline = await startPipeline(plane, folder.path);
  const index = await startIndex(plane, folder.path);
  try {
    const load = createRowLoad(plane.client, SEED);
    await load.change(60);
    await until('under way', () => pipeline.counts.appended > 0);
    forGood = 9;
    await load.change(60);
    await until('the producer gave up', () => pipeline.retries.length > 0);
    await load.change(20);
    await until('cut', () => forGood === 0);
    cutting = false;
    await load.change(20);
    await untilEqual(plane, index);
    await untilCounted(plane, pipeline.counts);
    const written = new Map<string, number>();
    await scanTopic(kafka.client, { topic: TOPICS.documents.name }, async (record) => {
      const document: Document = await plane.codec.decode('Document', record.value);
      const change = `${document.documentId} ${document.version}`;
      if (document.source === plane.source && document.kind !== 'floor')
        written.set(change, (written.get(change) ?? 0) + 1);
    });
    expect([...written].filter(([, times]) => times > 1)).toEqual([]);
    expect(written.size).toBeGreaterThan(50);
    expect(pipeline.failures).toEqual([]);
  } finally {
    cutting = false;
    await pipeline.stop();
    await index.stop();
    await plane.close();
    await proxy.close();
    await folder.remove();
  }
}, 360_000);
