/** Asks something of agents: audited first, then on freshet.control, acknowledged once Kafka has it. */
import { randomUUID } from 'node:crypto';
import { cloudEventHeaders } from '../schemas/cloud-event.ts';
import { type ControlSignal, signalRecord } from '../schemas/control-signals.ts';
import { TOPICS } from '../schemas/topics.ts';
import { auditRecord } from './audit-record.ts';
import type { GatewayContext } from './gateway-context.ts';

/** Which version and how much of it stand in the audit alone, once the next rollout has come. */
const targetsOf = (signal: ControlSignal, name: string): readonly string[] => {
  if (signal.kind !== 'behaviour') return [name];
  const { agent, candidate, share } = signal.rollout;
  return [name, `${agent}@${candidate}`, `share ${share}`];
};

/** `action`: noun and verb, for the audit; `tenant`: whose it is that is changed, null where it is no one tenant's. Errors: `append-failed`. */
export const sendSignal = async (
  { settings, models }: Pick<GatewayContext, 'settings' | 'models'>,
  signal: ControlSignal,
  action: string,
  tenant: string | null = null,
): Promise<void> => {
  const { codec, writer } = settings;
  const { at, by, reason } = signal;
  const id = randomUUID();
  const { key, control } = signalRecord(signal, id);
  // The audit first: nothing is done that is not written down.
  const targets = targetsOf(signal, control.name);
  await writer.append([auditRecord(codec, { at, by, action, targets, reason, tenant })]);
  const headers = cloudEventHeaders({ id, type: 'freshet.control', source: 'freshet/gateway', at });
  await writer.append([
    { topic: TOPICS.control.name, key, value: codec.encode('Control', control), headers },
  ]);
  models.control.apply(control);
};
