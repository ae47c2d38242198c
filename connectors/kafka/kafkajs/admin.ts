/** A little administration: topics, offsets, groups. */
import type { KafkaAdmin } from '../kafka.ts';
import { attempt } from './attempt.ts';
import { type Admin, ConfigResourceTypes } from './library.ts';

export const partitionCountOf = async (admin: Admin, topic: string): Promise<number> => {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.length ?? 0;
};

const LOOK_UP_ATTEMPTS = 10;
const LOOK_UP_RETRY_MS = 100;

/**
 * Asks again where the library gives up at once: a topic made a moment ago has no leader yet, and metadata that a
 * parallel call replaced lacks the topic (it then fails on undefined, and loads it anew when asked again).
 */
const persistently = async <T>(action: () => Promise<T>): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      const { type } = error as { readonly type?: unknown };
      if (attempt >= LOOK_UP_ATTEMPTS || type === 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
      await new Promise((resolve) => setTimeout(resolve, LOOK_UP_RETRY_MS));
    }
  }
};

/**
 * One at a time. The library keeps the metadata of all topics in one place: a call that adds a topic to it while
 * another looks up offsets can make it forget the other's, which then finds no leader and fails on undefined.
 */
const inTurn = (): (<T>(action: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (action) => {
    const mine = last.then(action, action);
    last = mine.catch(() => undefined);
    return mine;
  };
};

export const adminOver = (admin: Admin, turn = inTurn()): KafkaAdmin => ({
  createTopics: (topics) =>
    attempt('creating topics', () =>
      turn(async () => {
        const present = new Set(await admin.listTopics());
        const missing = topics.filter((topic) => !present.has(topic.name));
        if (missing.length > 0) {
          await admin.createTopics({
            waitForLeaders: true,
            topics: missing.map((topic) => ({
              topic: topic.name,
              numPartitions: topic.partitions,
              configEntries: Object.entries(topic.settings).map(([name, value]) => ({ name, value })),
            })),
          });
        }
        return missing.map((topic) => topic.name);
      }),
    ),
  listTopics: () => attempt('listing topics', () => admin.listTopics()),
  partitionCount: (topic) => attempt(`looking at ${topic}`, () => turn(() => partitionCountOf(admin, topic))),
  topicSettings: (topic) =>
    attempt(`looking at ${topic}`, async () => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
      });
      return Object.fromEntries(
        (resources[0]?.configEntries ?? []).map((entry) => [entry.configName, entry.configValue]),
      );
    }),
  deleteTopics: (topics) => attempt('deleting topics', () => admin.deleteTopics({ topics: [...topics] })),
  offsets: (topic) =>
    attempt(`looking at ${topic}`, async () =>
      (await turn(() => persistently(() => admin.fetchTopicOffsets(topic))))
        .map((each) => ({ partition: each.partition, earliest: Number(each.low), latest: Number(each.high) }))
        .sort((a, b) => a.partition - b.partition),
    ),
  offsetsAt: (topic, timestamp) =>
    attempt(
      `looking at ${topic}`,
      async () =>
        new Map(
          (await turn(() => persistently(() => admin.fetchTopicOffsetsByTimestamp(topic, timestamp)))).map(
            (each) => [each.partition, Number(each.offset)],
          ),
        ),
    ),
  committed: (groupId, topic) =>
    attempt(`reading the offsets of ${groupId}`, async () => {
      const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
      return new Map(
        (found?.partitions ?? [])
          .filter((each) => Number(each.offset) >= 0)
          .map((each) => [each.partition, { offset: Number(each.offset), metadata: each.metadata ?? '' }]),
      );
    }),
  deleteGroups: (groupIds) =>
    attempt('deleting groups', async () => {
      await admin.deleteGroups([...groupIds]);
    }),
});
