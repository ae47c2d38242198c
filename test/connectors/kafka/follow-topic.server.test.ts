import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { followTopics } from '../../../connectors/kafka/follow-topic.ts';
import { openRecordWriter } from '../../../connectors/kafka/record-writer.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { type KafkaUnderTest, openKafkaUnderTest } from '../../support/kafka-under-test.ts';

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
