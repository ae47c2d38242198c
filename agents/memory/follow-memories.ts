/** The ledger of all memories, kept as cdc.memory is: read from its beginning, then followed. */
import { followTopics } from '../../connectors/kafka/follow-topic.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { createMemoryLedger, type MemoryLedger } from './memory-ledger-state.ts';

export interface FollowedMemories {
  readonly ledger: MemoryLedger;
  /** False when that takes longer. */
  caughtUp(withinMs: number): Promise<boolean>;
  close(): Promise<void>;
}

const READ_WITHIN_MS = 60_000;

/** Resolves when the ledger holds what stood at the call. Errors: `kafka-unavailable`. */
export const followMemories = async (settings: {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  /** A record that cannot be read is passed over. */
  readonly onTrouble: (error: Error) => void;
}): Promise<FollowedMemories> => {
  const ledger = createMemoryLedger();
  const follower = await followTopics(settings.kafka, {
    topics: [TOPICS.memory.name],
    name: 'memories',
    onRecord: async ({ key, value }) => {
      if (value === null) ledger.dropped(key?.toString('utf8') ?? '');
      else ledger.take(await settings.codec.decode('Memory', value));
    },
    onTrouble: settings.onTrouble,
  });
  const caughtUp = (withinMs: number): Promise<boolean> => follower.caughtUp(TOPICS.memory.name, withinMs);
  await caughtUp(READ_WITHIN_MS);
  return { ledger, caughtUp, close: () => follower.close() };
};
