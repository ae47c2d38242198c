/** Where a gateway begins to read, on a Kafka of its own: where nobody committed anything, a journal of a month is not read from its first record. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DEFAULT_WAIT_LIMITS, mostBehind } from '../../../agents/runtime/wait-state.ts';
import type { KafkaClient } from '../../../connectors/kafka/kafka.ts';
import { createKafkaJsClient } from '../../../connectors/kafka/kafkajs-client.ts';
import { openRecordWriter } from '../../../connectors/kafka/record-writer.ts';
import { readTopics } from '../../../gateway/read-models/read-topics.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { startTestStack, type TestStack } from '../../support/own-stack.ts';
import { until } from '../../support/until.ts';

const JOURNAL = TOPICS.agentEvents.name;
const ALERTS = TOPICS.alerts.name;
const SOURCES = TOPICS.sourceStates.name;
const [LONG, SHORT] = [3, 5];
/** Whatever waits was journaled whole within the last of these. */
const NEEDED = mostBehind(DEFAULT_WAIT_LIMITS);
const EACH = 5_000;
let stack: TestStack;
let kafka: KafkaClient;

beforeAll(async () => {
  stack = await startTestStack({ servers: ['kafka'] });
  kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'read-topics-test' });
  await kafka.admin.createTopics(Object.values(TOPICS));
  const writer = openRecordWriter(kafka);
  const fill = async (partition: number, records: number, topic: string = JOURNAL): Promise<void> => {
    const value = Buffer.from('a record');
    for (let written = 0; written < records; written += EACH)
      await writer.append(
        Array.from({ length: Math.min(EACH, records - written) }, () => ({
          ...{ topic, partition, key: 'task', value },
        })),
      );
  };
  await fill(LONG, 5 * NEEDED);
  await fill(SHORT, 10);
  await fill(0, 1_500, ALERTS);
  await fill(0, 1_500, SOURCES);
  await writer.close();
});
afterAll(async () => {
  await kafka?.close();
  await stack?.stop();
});

test('it reads as far back as waits are journaled whole, and a short journal from its first record', async () => {
  const [first, last] = [new Map<number, number>(), new Map<number, number>()];
  const cut = new Set<string>();
  let firstAlert: number | undefined;
  let firstState: number | undefined;
  const reader = await readTopics({
    kafka,
    now: () => Date.now(),
    onRecord: async ({ topic, partition, offset }) => {
      if (topic === ALERTS) firstAlert ??= offset;
      if (topic === SOURCES) firstState ??= offset;
      if (topic !== JOURNAL) return;
      if (!first.has(partition)) first.set(partition, offset);
      last.set(partition, offset);
    },
    onCut: (topic) => cut.add(topic),
    onRestart: () => undefined,
    onTrouble: (error) => {
      throw error;
    },
  });
  try {
    await until('it has caught up', () => reader.waitingFor() === null);
    expect([first.get(SHORT), last.get(SHORT)]).toEqual([0, 9]);
    expect([...cut]).toEqual([JOURNAL]);
    // An alert is written when it turns: what fires for long stands behind all that turned since.
    expect(firstAlert).toBe(0);
    // A source that was taken out writes no more: its state stands behind all that the others wrote since.
    expect(firstState).toBe(0);
    expect(last.get(LONG)).toBe(5 * NEEDED - 1);
    // All that waits, and what came while the last of it was journaled again; not the whole.
    expect(first.get(LONG)).toBeLessThanOrEqual(4 * NEEDED);
    expect(first.get(LONG)).toBeGreaterThanOrEqual(3 * NEEDED);
  } finally {
    await reader.stop();
  }
});
