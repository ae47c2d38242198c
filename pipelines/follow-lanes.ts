/** The change of embedding model as it stands on freshet.control, followed for as long as it is open. */
import { followTopics } from '../connectors/kafka/follow-topic.ts';
import type { KafkaClient } from '../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { FreshetError } from '../schemas/errors.ts';
import { LANES_KEY, lanesAfter, type ModelLanes, nothingAsked } from '../schemas/model-lanes.ts';
import { TOPICS } from '../schemas/topics.ts';

export interface FollowLanesSettings {
  /** Names the follower. */
  readonly name: string;
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  /** The configured model. */
  readonly base: string;
  /** At the start once, and after each change; a call is awaited before the next. */
  readonly onLanes: (lanes: ModelLanes) => Promise<void>;
  /** What does not come after this long is told, and waited for on. */
  readonly readWithinMs?: number;
  readonly onTrouble: (error: Error) => void;
}

export interface LaneFollower {
  lanes(): ModelLanes;
  close(): Promise<void>;
}

const READ_WITHIN_MS = 30_000;
const AGAIN_MS = 2_000;

/** Resolves once the state is known and was handed over. Errors: `kafka-unavailable`, `config-invalid` (see lanesOfControl). */
export const followLanes = async (settings: FollowLanesSettings): Promise<LaneFollower> => {
  let standing = nothingAsked(settings.base);
  let wrong: unknown;
  let started = false;
  let closed = false;
  let turning: Promise<void> = Promise.resolve();
  let again: NodeJS.Timeout | undefined;

  const turn = (): Promise<void> => {
    turning = turning.then(async () => {
      clearTimeout(again);
      if (closed) return;
      try {
        await settings.onLanes(standing.lanes);
      } catch (error) {
        settings.onTrouble(error as Error);
        again = setTimeout(turn, AGAIN_MS);
      }
    });
    return turning;
  };

  const follower = await followTopics(settings.kafka, {
    topics: [TOPICS.control.name],
    name: `lanes.${settings.name}`,
    onRecord: async (record) => {
      if (record.key?.toString('utf8') !== LANES_KEY) return;
      try {
        const before = standing;
        standing = lanesAfter(
          before,
          record.value === null ? null : await settings.codec.decode('Control', record.value),
        );
        wrong = undefined;
        if (standing === before) return;
      } catch (error) {
        wrong = error;
        throw error;
      }
      if (started) void turn();
    },
    onTrouble: settings.onTrouble,
  });
  try {
    // The lane that was first would be opened, and the answers be another model's.
    while (!(await follower.caughtUp(TOPICS.control.name, settings.readWithinMs ?? READ_WITHIN_MS)))
      settings.onTrouble(
        new FreshetError('kafka-unavailable', `${TOPICS.control.name} is not read to its end yet`),
      );
    if (wrong !== undefined) throw wrong;
    started = true;
    const first = settings.onLanes(standing.lanes);
    // What changes meanwhile waits for it: a sweep would take the folder of a lane that is being opened.
    turning = first.catch(() => undefined);
    await first;
  } catch (error) {
    closed = true;
    await follower.close();
    throw error;
  }
  return {
    lanes: () => standing.lanes,
    close: async () => {
      closed = true;
      clearTimeout(again);
      await follower.close();
      await turning;
    },
  };
};
