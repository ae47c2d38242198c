/** Which tasks come when, from the seed alone. Pure. */
import { formatUsd } from '../../schemas/money.ts';
import { priceOfDeeds } from './call-prices.ts';
import type { ChaosTerms, Deed, PlannedTask } from './chaos-plan.ts';
import { between, pick, seeded } from './seeded.ts';

/** Twice what one model call of the agent reserves, so that some tasks end at their cap. */
const TIGHT_USD = '0.02';
/** Sessions begin anew each minute: none grows so long that its turns weigh more than its question. */
const SESSIONS = 10;
const MINUTE_MS = 60_000;

export const planTasks = ({ seed, forMs, tasksPerSecond }: ChaosTerms): readonly PlannedTask[] => {
  const random = seeded(seed);
  const count = Math.max(1, Math.round((forMs / 1_000) * tasksPerSecond));
  return Array.from({ length: count }, (_, at) => {
    const atMs = Math.round((at / count) * forMs);
    const isThrifty = random() < 0.25;
    const isInSession = !isThrifty && random() < 0.4;
    const isPosted = random() < 0.5;
    const isPostedAgain = isPosted && random() < 0.3;
    return {
      taskId: `chaos-${seed}-${at}`,
      atMs,
      agent: isThrifty ? 'thrifty' : 'chaos',
      via: isPosted ? 'gateway' : 'kafka',
      againAfterMs: isPostedAgain ? between(random, 0, 4_000) : null,
      rollCall: false,
      sessionId: isInSession
        ? `session-${Math.floor(atMs / MINUTE_MS)}-${Math.floor(random() * SESSIONS)}`
        : null,
      deeds: Array.from({ length: between(random, 1, 4) }, () =>
        pick<Deed>(random, ['look', 'post', 'post', 'stamp']),
      ),
      modelMs: between(random, 20, 700),
      deedMs: between(random, 20, 500),
      maxUsd: random() < 0.15 ? TIGHT_USD : null,
    };
  });
};

/** Half of what the thrifty agent's tasks would cost: about the second half of them meets its end. */
export const dayUsdOf = (tasks: readonly PlannedTask[]): string => {
  const thrifty = tasks.filter(({ agent }) => agent === 'thrifty');
  return formatUsd(thrifty.reduce((sum, { deeds }) => sum + priceOfDeeds(deeds), 0n) / 2n);
};
