/** What people have let pass as it stands now, for whoever judges rows outside of the pipeline's own loop. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { isUnreadable } from '../../schemas/errors.ts';
import {
  decisionOf,
  type FindRelease,
  type ReleaseDecision,
  releaseOf,
} from '../../schemas/release-decision.ts';
import { TOPICS } from '../../schemas/topics.ts';

/** Errors: `kafka-unavailable`, `registry-unavailable`. */
export const readReleases = async (
  kafka: KafkaClient,
  codec: Pick<RecordCodec, 'decode'>,
): Promise<FindRelease> => {
  const held = new Map<string, ReleaseDecision>();
  await scanTopic(kafka, { topic: TOPICS.control.name }, async ({ key, value }) => {
    if (value === null || key?.toString('utf8').startsWith('release:') !== true) return;
    try {
      const decision = decisionOf(await codec.decode('Control', value));
      if (decision) held.set(decision.documentId, decision);
    } catch (error) {
      // The pipeline's own loop passes it over too.
      if (!isUnreadable(error)) throw error;
    }
  });
  return (documentId) => releaseOf(held.get(documentId));
};
