/** Who changed what, and why, as a record of freshet.audit. */
import { randomUUID } from 'node:crypto';
import type { RecordToAppend } from '../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { cloudEventHeaders } from '../schemas/cloud-event.ts';
import type { Audit } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';

const MAX_TARGETS = 1_000;

/** `source`: the part that writes it. */
export const auditRecord = (
  codec: Pick<RecordCodec, 'encode'>,
  { targets, ...facts }: Omit<Audit, 'count'>,
  source: 'freshet/gateway' | 'freshet/cli' = 'freshet/gateway',
): RecordToAppend => ({
  topic: TOPICS.audit.name,
  key: facts.action,
  value: codec.encode('Audit', { ...facts, targets: targets.slice(0, MAX_TARGETS), count: targets.length }),
  headers: cloudEventHeaders({ id: randomUUID(), type: 'freshet.audit', source, at: facts.at }),
});
