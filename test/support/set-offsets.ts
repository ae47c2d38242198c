/** Where a group goes on, decided from outside. The library can do it too, and waits five seconds for a fetch that brings nothing. */
import { openGroupReader } from '../../connectors/kafka/group-reader.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { membersOf } from './group-members.ts';

/** Of a group that nobody is in; one at work is left alone, and the answer is false. `broker`: host:port */
export const setOffsets = async (
  broker: string,
  kafka: KafkaClient,
  groupId: string,
  topic: string,
  offsets: readonly { readonly partition: number; readonly offset: number }[],
): Promise<boolean> => {
  if ((await membersOf(broker, groupId)).length > 0) return false;
  const places = offsets.map((each) => ({ topic, ...each }));
  let onReady = (): void => undefined;
  let onFailure = (_: Error): void => undefined;
  const owned = new Promise<void>((resolve, reject) => {
    onReady = resolve;
    onFailure = reject;
  });
  const reader = await openGroupReader(
    kafka,
    { groupId, topics: [topic], maxWaitMs: 10 },
    {
      onAssigned: async () => places,
      onReady,
      onRevoked: () => undefined,
      onBatch: () => undefined,
      onFailure,
    },
  );
  await owned;
  await reader.commit(places);
  await reader.close();
  return true;
};
