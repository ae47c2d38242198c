/** What a person decides about versions of documents: audited first, then on freshet.control. */
import { randomUUID } from 'node:crypto';
import { cloudEventHeaders } from '../schemas/cloud-event.ts';
import { controlKeyOf, controlOf, type ReleaseDecision } from '../schemas/release-decision.ts';
import { TOPICS } from '../schemas/topics.ts';
import { auditRecord } from './audit-record.ts';
import type { GatewayContext } from './gateway-context.ts';

/** `action`: noun and verb, for the audit; `tenant`: whose documents they all are, null where they are several tenants'. Errors: `append-failed`. */
export const sendDecisions = async (
  { codec, writer, clock }: Pick<GatewayContext['settings'], 'codec' | 'writer' | 'clock'>,
  decisions: readonly ReleaseDecision[],
  {
    action,
    by,
    reason,
    tenant,
  }: {
    readonly action: string;
    readonly by: string;
    readonly reason: string | null;
    readonly tenant: string | null;
  },
): Promise<void> => {
  const at = clock();
  const targets = decisions.map(({ documentId }) => documentId);
  // The audit first: nothing is done that is not written down.
  await writer.append([auditRecord(codec, { at, by, action, targets, reason, tenant })]);
  await writer.append(
    decisions.map((decision) => {
      const id = randomUUID();
      return {
        topic: TOPICS.control.name,
        key: controlKeyOf(decision.documentId),
        value: codec.encode('Control', controlOf(decision, { id, by, reason, at })),
        headers: cloudEventHeaders({ id, type: 'freshet.control', source: 'freshet/gateway', at }),
      };
    }),
  );
};
