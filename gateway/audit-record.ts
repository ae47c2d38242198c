/** Who changed what, and why, as a record of freshet.audit. */
import { randomUUID } from 'node:crypto';
import type { RecordToAppend } from '../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import { cloudEventHeaders } from '../schemas/cloud-event.ts';
import type { Audit } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';

const MAX_TARGETS = 1_000;

/** `tenant` left out: what was changed is no one tenant's. `source`: the part that writes it. */
export const auditRecord = (
  codec: Pick<RecordCodec, 'encode'>,
  { targets, tenant = null, ...facts }: Omit<Audit, 'count' | 'tenant'> & Partial<Pick<Audit, 'tenant'>>,
  source: 'freshet/gateway' | 'freshet/cli' = 'freshet/gateway',
): RecordToAppend => ({
  topic: TOPICS.audit.name,
  key: facts.action,
  value: codec.encode('Audit', {
    ...facts,
    tenant,
    targets: targets.slice(0, MAX_TARGETS),
    count: targets.length,
  }),
  headers: cloudEventHeaders({ id: randomUUID(), type: 'freshet.audit', source, at: facts.at }),
});
