/** Asks something of agents: audited first, then on freshet.control, acknowledged once Kafka has it. */
import { randomUUID } from 'node:crypto';
import { cloudEventHeaders } from '../schemas/cloud-event.ts';
import { type ControlSignal, signalRecord } from '../schemas/control-signals.ts';
import { TOPICS } from '../schemas/topics.ts';
import { auditRecord } from './audit-record.ts';
import type { GatewayContext } from './gateway-context.ts';

const TOPIC = TOPICS.control.name;
/** Tasks are kept for seven days: what was asked of older ones is of no use to anyone. */
const OUTDATED_MICROS = 8 * 24 * 3_600 * 1_000_000;
const MOST_REMOVED = 100;

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
  const outdated = models.control.outdated(at - OUTDATED_MICROS).slice(0, MOST_REMOVED);
  await writer.append([
    { topic: TOPIC, key, value: codec.encode('Control', control), headers },
    ...outdated.map((old) => ({ topic: TOPIC, key: old, value: null })),
  ]);
  models.control.apply(control);
};
