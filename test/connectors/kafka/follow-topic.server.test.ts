import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { followTopics } from '../../../connectors/kafka/follow-topic.ts';
import type { KafkaClient } from '../../../connectors/kafka/kafka.ts';
import { openRecordWriter } from '../../../connectors/kafka/record-writer.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { type KafkaUnderTest, openKafkaUnderTest } from '../../support/kafka-under-test.ts';
import { until } from '../../support/until.ts';

let kafka: KafkaUnderTest;
beforeAll(async () => {
  kafka = await openKafkaUnderTest(inject('stack').kafka);
});
afterAll(() => kafka?.close());

test('a record that cannot be read while the registry is away is given again, in its order; any other is passed over', async () => {
  const topic = await kafka.topic(1);
  const writer = openRecordWriter(kafka.client);
  const append = (text: string) =>
    writer.append([{ topic, partition: 0, key: null, value: Buffer.from(text) }]);
  for (const text of ['a', 'stop', 'bad', 'b']) await append(text);
  const taken: string[] = [];
  let away = 2;
  const follower = await followTopics(kafka.client, {
    topics: [topic],
    name: 'given-again',
    onRecord: ({ value }) => {
      const text = String(value);
      if (text === 'bad') throw new FreshetError('record-unreadable', text);
      if (text === 'stop' && away > 0) {
        away -= 1;
        throw new FreshetError('registry-unavailable', 'away');
      }
      taken.push(text);
    },
    onTrouble: () => undefined,
  });
  try {
    expect(await follower.caughtUp(topic, 30_000)).toBe(true);
    await append('c');
    expect(await follower.caughtUp(topic, 30_000)).toBe(true);
    expect(taken).toEqual(['a', 'stop', 'b', 'c']);
  } finally {
    await follower.close();
    await writer.close();
  }
});

test('while a record is given again nothing more is fetched, of any partition; then all of it is taken', async () => {
  const topic = await kafka.topic(2);
  const writer = openRecordWriter(kafka.client);
  const append = (partition: number, text: string) =>
    writer.append([{ topic, partition, key: null, value: Buffer.from(text) }]);
  let fetched = 0;
  const client: KafkaClient = {
    ...kafka.client,
    consume: (settings, handlers) =>
      kafka.client.consume(settings, {
        ...handlers,
        onBatch: (batch) => {
          if (batch.partition === 1) fetched += batch.records.length;
          handlers.onBatch(batch);
        },
      }),
  };
  await append(0, 'stop');
  const taken: string[] = [];
  let away = true;
  let told = 0;
  const follower = await followTopics(client, {
    topics: [topic],
    name: 'holds-all',
    onRecord: ({ value }) => {
      if (String(value) === 'stop' && away) throw new FreshetError('registry-unavailable', 'away');
      taken.push(String(value));
    },
    onTrouble: () => {
      told += 1;
    },
  });
  try {
    await until('it is held', () => told >= 2);
    const texts = Array.from({ length: 10 }, (_, at) => `${at}`);
    for (const text of texts) await append(1, text);
    await until('it is held still', () => told >= 4);
    // A fetch that was under way when it was held may bring some.
    expect(fetched).toBeLessThan(texts.length);
    away = false;
    expect(await follower.caughtUp(topic, 30_000)).toBe(true);
    expect(taken).toEqual(['stop', ...texts]);
  } finally {
    away = false;
    await follower.close();
    await writer.close();
  }
});

test('begun again while records of before are being taken: it is current once it has read all anew, not by what those say', async () => {
  const topic = await kafka.topic(1);
  const writer = openRecordWriter(kafka.client);
  await writer.append(
    ['a', 'b'].map((text) => ({ topic, partition: 0, key: null, value: Buffer.from(text) })),
  );
  /** Records that were handed over, by reading. */
  const fetched: number[] = [];
  let crash = (): void => undefined;
  const client: KafkaClient = {
    ...kafka.client,
    consume: (settings, handlers) => {
      const reading = fetched.push(0) - 1;
      crash = () => handlers.onCrash(new Error('crashed'), false);
      return kafka.client.consume(settings, {
        ...handlers,
        onBatch: (batch) => {
          handlers.onBatch(batch);
          fetched[reading] = (fetched[reading] ?? 0) + batch.records.length;
        },
      });
    },
  };
  const taken: string[] = [];
  const goOn: (() => void)[] = [];
  const follower = await followTopics(client, {
    topics: [topic],
    name: 'begun-again',
    onRecord: async ({ value }) => {
      taken.push(String(value));
      if (String(value) === 'a') await new Promise<void>((resolve) => goOn.push(resolve));
    },
    onTrouble: () => undefined,
  });
  try {
    await until('being taken', () => taken.length === 1 && fetched[0] === 2);
    crash();
    await until('read anew', () => fetched[1] === 2);
    goOn[0]?.();
    await until('being taken again', () => taken.length === 3);
    expect(follower.current()).toBe(false);
    goOn[1]?.();
    await until('current', () => follower.current());
    expect(taken).toEqual(['a', 'b', 'a', 'b']);
  } finally {
    for (const each of goOn) each();
    await follower.close();
    await writer.close();
  }
});
