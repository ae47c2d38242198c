/** What stands on freshet.audit of a target, the oldest first. */
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { Audit } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { openKafkaAndCodec } from '../gateway/gateway-under-test.ts';

export const auditOf = async (target: string): Promise<readonly Audit[]> => {
  const { kafka, codec } = await openKafkaAndCodec();
  const found: Audit[] = [];
  try {
    await scanTopic(kafka, { topic: TOPICS.audit.name }, async ({ value }) => {
      const audit = await codec.decode('Audit', value);
      if (audit.targets.includes(target)) found.push(audit);
    });
  } finally {
    await kafka.close();
  }
  return found;
};
