/** The executions that ended in a stretch of the journal. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type EndedExecution, foldEnded } from './remembered-turn.ts';

export interface EndedSource {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  /** Whose an execution is that names none. */
  readonly localTenant: string;
}

export interface EndedRange {
  readonly partition: number;
  /** First offset, and one past the last; to the end where left out. */
  readonly from: number;
  readonly to?: number;
}

/**
 * Calls `onEnded` in the order of the journal, one at a time. What began before `from` is not told of. A record that cannot
 * be read is passed over. Returns how many records were read. Errors: `kafka-unavailable`, and what `onEnded` throws.
 */
export const readEnded = async (
  { kafka, codec, localTenant }: EndedSource,
  { partition, from, to }: EndedRange,
  onEnded: (ended: EndedExecution) => Promise<void> | void,
): Promise<number> => {
  const topic = TOPICS.agentEvents.name;
  const fold = foldEnded(localTenant);
  let records = 0;
  await scanTopic(
    kafka,
    {
      topic,
      partitions: [partition],
      from: new Map([[partition, from]]),
      ...(to === undefined ? {} : { to: new Map([[partition, to]]) }),
    },
    async ({ value, offset }) => {
      records += 1;
      try {
        const event = await codec.decode('AgentEvent', value);
        const ended = fold.take(event, { topic, partition, offset });
        if (ended) await onEnded(ended);
      } catch (error) {
        if (!(error instanceof FreshetError) || error.code !== 'record-unreadable') throw error;
      }
    },
  );
  return records;
};
