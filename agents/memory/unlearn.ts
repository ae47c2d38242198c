/**
 * What somebody was not content with is unlearned: feedback comes after the end, when the behaviour was written already. Every
 * worker acts, on feedback of the journal's time, whoever owns the partition then: doing it twice changes nothing, and what came while
 * nobody owned it is made good by whoever starts next.
 */
import { followTopics } from '../../connectors/kafka/follow-topic.ts';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Feedback, Memory } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { GOOD_FEEDBACK } from './learned-behaviour.ts';
import type { MemoryLedger } from './memory-ledger-state.ts';
import { endedMemory, memoryRecord, namespaceOf } from './memory-record.ts';

/** Of the newest feedback, enough to make good a worker's absence. */
const RECENT = { hours: 24 * 30, most: 50_000 };

/**
 * The end of what was learned from the execution last, whatever else it was merged with: the words are its own. Undefined where nothing stands, or
 * another execution has taken the same way since: others were content with it.
 */
export const unlearned = (
  ledger: Pick<MemoryLedger, 'behavioursOf'>,
  {
    score,
    tenant,
    agent,
    executionId,
    at,
  }: Pick<Feedback, 'score' | 'tenant' | 'agent' | 'executionId' | 'at'>,
  localTenant: string,
): Memory | undefined => {
  if (score >= GOOD_FEEDBACK) return undefined;
  const namespace = namespaceOf({ tenant: tenant ?? localTenant, agent });
  for (const held of ledger.behavioursOf(executionId))
    if (held.state === 'kept' && namespaceOf(held) === namespace)
      return endedMemory(held, 'pruned', 'feedback', at);
  return undefined;
};

/** Errors: `kafka-unavailable` at the start. */
export const followFeedback = (settings: {
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly writer: Pick<RecordWriter, 'append'>;
  readonly ledger: MemoryLedger;
  readonly localTenant: string;
  readonly onTrouble: (error: Error) => void;
}): Promise<{ close(): Promise<void> }> =>
  followTopics(settings.kafka, {
    topics: [TOPICS.feedback.name],
    name: 'unlearn',
    recent: { [TOPICS.feedback.name]: RECENT },
    onRecord: async ({ value }) => {
      const feedback = await settings.codec.decode('Feedback', value);
      const ended = unlearned(settings.ledger, feedback, settings.localTenant);
      if (!ended) return;
      await settings.writer.append([memoryRecord(settings.codec, ended)]);
      settings.ledger.take(ended);
    },
    onTrouble: settings.onTrouble,
  });
