/** Who changed what, and why, as a record of freshet.audit. */
import type { RecordToAppend } from '../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import type { Audit } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';

const MAX_TARGETS = 1_000;

export const auditRecord = (
  codec: Pick<RecordCodec, 'encode'>,
  { targets, ...facts }: Omit<Audit, 'count'>,
): RecordToAppend => ({
  topic: TOPICS.audit.name,
  key: facts.action,
  value: codec.encode('Audit', { ...facts, targets: targets.slice(0, MAX_TARGETS), count: targets.length }),
});
