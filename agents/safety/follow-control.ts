/**
 * What people ask of agents, as it is asked: freshet.control held in memory, with a call for every change. A kill or a
 * cancellation is known to every worker well within a second of its acknowledgement.
 */
import { followTopics } from '../../connectors/kafka/follow-topic.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { ControlSignal } from '../../schemas/control-signals.ts';
import { type ControlView, createControlView } from '../../schemas/control-view.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';

export interface FollowedControl {
  readonly view: Omit<ControlView, 'apply' | 'remove' | 'clear'>;
  close(): Promise<void>;
}

export interface FollowControlSettings {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  /** Called for each signal, those that stood at the start among them, once the view shows it. */
  readonly onSignal: (signal: ControlSignal) => void;
  readonly onTrouble: (error: Error) => void;
}

const READ_WITHIN_MS = 60_000;
const MAX_WAIT_MS = 100;
const KINDS = /^(?:task|agent|tenant|budget|behaviour):/;

/** Resolves when every signal that stands is known: before, a killed agent would be let work. Errors: `kafka-unavailable`. */
export const followControl = async (settings: FollowControlSettings): Promise<FollowedControl> => {
  const topic = TOPICS.control.name;
  const view = createControlView();
  /** Of the last record taken in: when the topic is read again from its start, no signal goes back to an older one. */
  let last = -1;
  const follower = await followTopics(settings.kafka, {
    topics: [topic],
    name: 'control',
    maxWaitMs: MAX_WAIT_MS,
    onBegin: (ends) => {
      // It ends before what was read of it: it was made anew, and nothing of before stands.
      if (Math.max(0, ...(ends.get(topic) ?? [])) > last) return;
      view.clear();
      last = -1;
    },
    onRecord: async ({ offset, key, value }) => {
      const name = key?.toString('utf8') ?? '';
      if (offset <= last) return;
      if (KINDS.test(name)) {
        if (value === null) view.remove(name);
        else {
          const signal = view.apply(await settings.codec.decode('Control', value));
          if (signal) settings.onSignal(signal);
        }
      }
      last = offset;
    },
    onTrouble: settings.onTrouble,
  });
  if (!(await follower.caughtUp(topic, READ_WITHIN_MS))) {
    await follower.close();
    throw new FreshetError('kafka-unavailable', `${topic} could not be read in time`);
  }
  return { view, close: () => follower.close() };
};
