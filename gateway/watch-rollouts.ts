/**
 * Looks at every canary once a second: how its executions and those of the stable version ended, as freshet.results and freshet.feedback
 * keep it since the rollout began, so that a gateway that was just started says the same. A candidate that is worse is rolled back, with
 * an alert. Several gateways may do it at once: they write the same record of the same rollout.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { canaryVerdict } from '../agents/behaviours/canary-verdict.ts';
import { createRolloutTally, type RolloutOutcomes } from '../agents/behaviours/outcomes.ts';
import { rolledBack } from '../agents/behaviours/rollout-state.ts';
import { holdsFor } from '../agents/behaviours/route-task.ts';
import { followTopics } from '../connectors/kafka/follow-topic.ts';
import { toFreshetError } from '../schemas/errors.ts';
import { FRESHET, type Rollout } from '../schemas/rollout.ts';
import { TOPICS } from '../schemas/topics.ts';
import type { GatewayContext, GatewaySettings } from './gateway-context.ts';
import { alertOfRollback, tellAlert } from './rollback-alert.ts';
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

const nameOf = ({ agent, began, candidate }: Rollout): string => `${agent}/${began}/${candidate}`;

const followRollout = async (settings: GatewaySettings, rollout: Rollout): Promise<Follower> => {
  const { kafka, codec, onEvent } = settings;
  const tally = createRolloutTally(rollout);
  const recent = { since: Math.floor(rollout.began / 1_000) - BEFORE_MS, most: MOST_READ };
  const { current, close } = await followTopics(kafka, {
    topics: [TOPICS.results.name, TOPICS.feedback.name],
    name: 'rollout',
    recent: { [TOPICS.results.name]: recent, [TOPICS.feedback.name]: recent },
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
    const at = clock();
    const { agent, stable } = rollout;
    // The alert first: what is rolled back is looked at no more.
    await tellAlert(settings, alertOfRollback(rollout, verdict, at));
    await sendSignal(
      context,
      {
        ...{ kind: 'behaviour', rollout: rolledBack(rollout, agent, stable) },
        ...{ by: FRESHET, reason: verdict.reason, at },
      },
      'behaviour rollback',
    );
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
