/** How far a role is behind, every second, as long as it runs. */
import type { Metrics } from '../../connectors/telemetry/metrics.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { LagStage } from '../../schemas/lag-stages.ts';

const EVERY_MS = 1_000;

export interface Lag {
  /** Records. */
  readonly waiting: number;
  /** When the oldest of them came to Kafka, milliseconds since the Unix epoch; undefined where none waits. */
  readonly oldest: number | undefined;
}

/** Until a role has read to the end, that nothing waits may as well be that nothing was read. */
export const knownLag = (lag: Lag, isCurrent: boolean): Lag | null =>
  lag.oldest === undefined && !isCurrent ? null : lag;

/** `lagOf` gives null while nothing is known, and then no metric claims anything. Gives what ends it. */
export const measureLag = (
  metrics: Pick<Metrics, 'consumerLag' | 'consumerLagSeconds'>,
  stage: LagStage,
  clock: Clock,
  lagOf: () => Lag | null,
): (() => void) => {
  const timer = setInterval(() => {
    const lag = lagOf();
    if (lag === null) {
      metrics.consumerLag.remove({ stage });
      metrics.consumerLagSeconds.remove({ stage });
      return;
    }
    const { waiting, oldest } = lag;
    metrics.consumerLag.set({ stage }, waiting);
    const seconds = oldest === undefined ? 0 : clock() / 1e6 - oldest / 1_000;
    metrics.consumerLagSeconds.set({ stage }, Math.max(0, seconds));
  }, EVERY_MS);
  return () => clearInterval(timer);
};
