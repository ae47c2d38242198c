/**
 * Looks at every canary once a second: how its executions and those of the stable version ended, as freshet.results and freshet.feedback
 * keep it since the rollout began, so that a gateway that was just started says the same. A candidate that is worse is rolled back, with
 * an alert. Several gateways may do it at once: they write the same record of the same rollout.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { canaryVerdict } from '../agents/behaviours/canary-verdict.ts';
import { createRolloutTally, type RolloutOutcomes } from '../agents/behaviours/outcomes.ts';
import { isLeftBehind, rolledBack } from '../agents/behaviours/rollout-state.ts';
import { holdsFor } from '../agents/behaviours/route-task.ts';
import { followTopics } from '../connectors/kafka/follow-topic.ts';
import { toFreshetError } from '../schemas/errors.ts';
import { FRESHET, type Rollout } from '../schemas/rollout.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { GatewayContext, GatewaySettings } from './gateway-context.ts';
import { alertOfRollback, endAlertOf, rollbackAlertOf, tellAlert } from './rollback-alert.ts';
import { sendSignal } from './send-signal.ts';
import type { RolloutWatch, WatchedRollout } from './watched-rollout.ts';

interface Follower {
  current(): boolean;
  outcomes(): RolloutOutcomes;
  close(): Promise<void>;
}

const LOOK_MS = 1_000;
/** By partition. */
const MOST_READ = 100_000;
/** Clocks of gateway and workers may be apart; what was begun before the rollout is not counted anyway. */
const BEFORE_MS = 60_000;
/** By then every worker is started with the configuration that this gateway has. */
const LEFT_FOR_MS = 10 * 60_000;

const nameOf = ({ agent, began, candidate }: Rollout): string => `${agent}/${began}/${candidate}`;

const followRollout = async (settings: GatewaySettings, rollout: Rollout): Promise<Follower> => {
  const { kafka, codec, onEvent } = settings;
  const tally = createRolloutTally(rollout);
  const recent = { since: Math.floor(rollout.began / 1_000) - BEFORE_MS, most: MOST_READ };
  const { current, close } = await followTopics(kafka, {
    topics: [TOPICS.results.name, TOPICS.feedback.name],
    name: 'rollout',
    recent: { [TOPICS.results.name]: recent, [TOPICS.feedback.name]: recent },
    onBegin: tally.begin,
    onRecord: async ({ topic, value }) => {
      if (value === null) return;
      if (topic === TOPICS.results.name) tally.result(await codec.decode('Result', value));
      else tally.feedback(await codec.decode('Feedback', value));
    },
    onTrouble: (error) => onEvent({ type: 'read-trouble', error: toFreshetError(error) }),
  });
  return { current, close, outcomes: tally.outcomes };
};

export const watchRollouts = (
  context: Pick<GatewayContext, 'settings' | 'models' | 'reader'>,
): RolloutWatch => {
  const { settings, models, reader } = context;
  const { agents, config, clock, onEvent } = settings;
  const followers = new Map<string, Follower>();
  /** By rollout: since when it is known here that the configuration has moved on. */
  const leftSince = new Map<string, number>();
  const stopped = new AbortController();
  const onTrouble = (error: unknown): void =>
    onEvent({ type: 'rollout-trouble', error: toFreshetError(error) });

  const canaries = (): readonly Rollout[] =>
    agents.flatMap(({ name, version }) => {
      const rollout = models.control.rolloutOf(name)?.rollout;
      return holdsFor(rollout, version) && rollout.state === 'canary' ? [rollout] : [];
    });

  const watched = (rollout: Rollout): WatchedRollout | null => {
    const follower = followers.get(nameOf(rollout));
    if (rollout.state !== 'canary' || !follower?.current()) return null;
    const outcomes = follower.outcomes();
    return { outcomes, verdict: canaryVerdict(outcomes, config.canary) };
  };

  const lookAt = async (rollout: Rollout): Promise<void> => {
    if (!followers.has(nameOf(rollout)))
      followers.set(nameOf(rollout), await followRollout(settings, rollout));
    const verdict = watched(rollout)?.verdict;
    if (verdict?.state !== 'worse') return;
    // The alert first: what is rolled back is looked at no more. Where the rollback failed after it, it stands already.
    const alert = rollbackAlertOf(context, rollout.agent);
    if (alert?.state !== 'firing' || alert.since < rollout.began)
      await tellAlert(settings, alertOfRollback(rollout, verdict, clock()));
    await rollBack(rollout, rollout.stable, verdict.reason);
  };

  const rollBack = (rollout: Rollout, running: string, reason: string): Promise<void> =>
    sendSignal(
      context,
      {
        ...{ kind: 'behaviour', rollout: rolledBack(rollout, rollout.agent, running) },
        ...{ by: FRESHET, reason, at: clock() },
      },
      'behaviour rollback',
    );

  /** One that the configuration left behind ends after a while, so that it does not hold again when the configuration goes back. */
  const endLeft = async (name: string, running: string): Promise<void> => {
    const last = models.control.rolloutOf(name)?.rollout;
    if (!isLeftBehind(last, running)) return;
    const since = leftSince.get(nameOf(last)) ?? performance.now();
    leftSince.set(nameOf(last), since);
    if (performance.now() - since < LEFT_FOR_MS) return;
    await rollBack(last, last.stable, `the configuration runs ${running} now`);
    leftSince.delete(nameOf(last));
  };

  /** An alert ends with the rollout after it, or with the next configuration. */
  const endAlert = async (name: string, running: string): Promise<void> => {
    const alert = rollbackAlertOf(context, name);
    if (alert?.state !== 'firing') return;
    const last = models.control.rolloutOf(name)?.rollout;
    if (!holdsFor(last, running) || last.began > alert.since) await endAlertOf(context, name);
  };

  const look = async (): Promise<void> => {
    // What stands on freshet.control is not known before.
    if (reader.waitingFor() !== null) return;
    const standing = canaries();
    const names = new Set(standing.map(nameOf));
    for (const [name, follower] of followers) {
      if (names.has(name)) continue;
      followers.delete(name);
      await follower.close();
    }
    for (const rollout of standing) await lookAt(rollout).catch(onTrouble);
    for (const { name, version } of agents) {
      await endLeft(name, version).catch(onTrouble);
      await endAlert(name, version).catch(onTrouble);
    }
  };

  const looking = (async () => {
    while (!stopped.signal.aborted) {
      await look().catch(onTrouble);
      await sleep(LOOK_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  })();

  return {
    of: watched,
    close: async () => {
      stopped.abort();
      await looking;
      await Promise.all([...followers.values()].map((follower) => follower.close()));
    },
  };
};
