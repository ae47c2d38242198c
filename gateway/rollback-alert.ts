/** The alert of a candidate that was rolled back: it fires with the rollback and ends with the next deployment of its agent. */
import type { CanaryVerdict } from '../agents/behaviours/canary-verdict.ts';
import { alertRecord } from '../pipelines/track-freshness/alert-record.ts';
import type { Alert } from '../schemas/records.ts';
import type { Rollout } from '../schemas/rollout.ts';
import type { GatewayContext } from './gateway-context.ts';

/** No name of a source. */
const sourceOf = (agent: string): string => `behaviour:${agent}`;

export const alertOfRollback = (
  { agent, candidate }: Rollout,
  { candidate: value, stable: threshold, reason }: Extract<CanaryVerdict, { readonly state: 'worse' }>,
  at: number,
): Alert => ({
  ...{ source: sourceOf(agent), kind: 'rolled-back', severity: 'ticket', state: 'firing', since: at, at },
  ...{ value, threshold, slowestStage: null },
  summary: `version ${candidate} of ${agent} was rolled back: ${reason}`,
});

/** Errors: `append-failed`. */
export const tellAlert = async (
  { writer, codec }: Pick<GatewayContext['settings'], 'writer' | 'codec'>,
  alert: Alert,
): Promise<void> => {
  await writer.append([alertRecord(codec, alert, 'freshet/gateway')]);
};

export const rollbackAlertOf = (
  { models }: Pick<GatewayContext, 'models'>,
  agent: string,
): Alert | undefined => models.freshness().alertOf({ source: sourceOf(agent), kind: 'rolled-back' });

/** What was rolled back is answered by another deployment. Errors: `append-failed`. */
export const endAlertOf = async (
  context: Pick<GatewayContext, 'settings' | 'models'>,
  agent: string,
): Promise<void> => {
  const { settings } = context;
  const alert = rollbackAlertOf(context, agent);
  if (alert?.state === 'firing')
    await tellAlert(settings, { ...alert, state: 'ended', at: settings.clock() });
};
