/** What joining leaves behind where it fails: a caller that tries every second must not fill the broker with connections. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type KafkaUnderTest, openKafkaUnderTest } from '../../support/kafka-under-test.ts';
import { until } from '../../support/until.ts';

let kafka: KafkaUnderTest;
beforeAll(async () => {
  kafka = await openKafkaUnderTest(inject('stack').kafka);
});
afterAll(() => kafka?.close());

const sockets = (): number =>
  process.getActiveResourcesInfo().filter((each) => each === 'TCPSocketWrap').length;

test('a group whose topic is missing is not joined, and nothing stays connected', async () => {
  const nothing = (): void => undefined;
  const before = sockets();
  const id = randomUUID();
  await expect(
    kafka.client.consume(
      { groupId: `test.${id}`, topics: [`test.missing.${id}`] },
      { onJoined: nothing, onRebalancing: nothing, onCrash: nothing, onBatch: nothing },
    ),
  ).rejects.toMatchObject({ code: 'kafka-unavailable' });
  await until('disconnected', () => sockets() <= before);
});
