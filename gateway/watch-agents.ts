/**
 * Holds agents against the policy every few seconds, and writes alerts to freshet.alerts as they begin and end. Several gateways may do it at
 * once: what stands on the topic goes before what each of them thinks, and times are those of a common beat, so that two that are quick at
 * the same moment write the same record.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type AlertTrack, joinAlerts, stepAlerts } from '../pipelines/track-freshness/alert-state.ts';
import { toFreshetError } from '../schemas/errors.ts';
import type { Alert } from '../schemas/records.ts';
import { TOPICS } from '../schemas/topics.ts';
import { AGENT_ALERT_KINDS, type AgentsSeen, conditionsOfAgents } from './agent-alert-conditions.ts';
import type { GatewayContext } from './gateway-context.ts';
import { reportLimits } from './report-budgets.ts';
import { tellAlert } from './rollback-alert.ts';
import { seeBreakers } from './see-breakers.ts';

export interface AgentWatch {
  close(): Promise<void>;
}

const EVERY_MS = 5_000;
const READ_WITHIN_MS = 2_000;
const MICROS = 1_000;
const ALERTS = TOPICS.alerts.name;
const KINDS: ReadonlySet<Alert['kind']> = new Set(AGENT_ALERT_KINDS);

export const watchAgents = (context: Pick<GatewayContext, 'settings' | 'models' | 'reader'>): AgentWatch => {
  const { settings, models, reader } = context;
  const { agents, config, clock, onEvent, alertsEveryMs = EVERY_MS } = settings;
  const policy = config.alerts;
  const every = alertsEveryMs * MICROS;
  const holdsFor = { 'breaker-open': policy.breakerOpenMs * MICROS };
  const tracks = new Map<string, AlertTrack>();
  const stopped = new AbortController();
  /** Since when all that comes is read; null: what came before is being read still. */
  let seenFrom: number | null = null;
  let seenIn = models.outcomes.generation();
  const onTrouble = (error: unknown): void =>
    onEvent({ type: 'alert-trouble', error: toFreshetError(error) });

  const published = (source: string): readonly Alert[] =>
    AGENT_ALERT_KINDS.flatMap((kind) => models.freshness().alertOf({ source, kind }) ?? []);

  const see = async (now: number): Promise<Omit<AgentsSeen, 'standing'>> => {
    const breakers = await seeBreakers(settings);
    return {
      agents: agents.map(({ name }) => name),
      endings: models.outcomes.since(now - policy.windowMs * MICROS),
      wholeWindow: seenFrom !== null && now - seenFrom >= policy.windowMs * MICROS,
      budgets: await reportLimits(context),
      breakers,
    };
  };

  const standing = (): readonly Alert[] =>
    models
      .freshness()
      .firing()
      .filter(({ kind }) => KINDS.has(kind));

  const decide = (seen: Omit<AgentsSeen, 'standing'>, now: number) =>
    conditionsOfAgents({ ...seen, standing: standing() }, policy).map(({ source, conditions }) => {
      const track = joinAlerts(tracks.get(source) ?? {}, published(source));
      return { source, ...stepAlerts(track, conditions, { source, slowestStage: null, now }, holdsFor) };
    });

  const readToEnd = async (): Promise<void> => {
    const offsets = await settings.kafka.admin.offsets(ALERTS);
    await reader.reached(
      ALERTS,
      new Map(offsets.map((each) => [each.partition, each.latest])),
      READ_WITHIN_MS,
    );
  };

  const look = async (): Promise<void> => {
    const generation = models.outcomes.generation();
    // The log is read anew, or was since the last look.
    if (reader.waitingFor() !== null || generation !== seenIn) seenFrom = null;
    seenIn = generation;
    if (reader.waitingFor() !== null) return;
    const now = Math.floor(clock() / every) * every;
    seenFrom ??= now;
    const seen = await see(now);
    let decided = decide(seen, now);
    // Another may have told it a moment ago.
    if (decided.some(({ turned }) => turned.length > 0)) {
      await readToEnd();
      decided = decide(seen, now);
    }
    // Forgotten meanwhile: what was seen is no longer held against anything that is known.
    if (models.outcomes.generation() !== generation) return;
    for (const { source, track, turned } of decided) {
      // Told first: where that fails it is told again with the next look.
      for (const alert of turned) {
        await tellAlert(settings, alert);
        models.freshness().addAlert(alert);
      }
      tracks.set(source, track);
    }
  };

  const looking = (async () => {
    // Not all at the same moment: who looks later finds what another has told.
    await sleep(Math.random() * alertsEveryMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    while (!stopped.signal.aborted) {
      await look().catch(onTrouble);
      await sleep(alertsEveryMs, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();
  return {
    close: async () => {
      stopped.abort();
      await looking;
    },
  };
};
