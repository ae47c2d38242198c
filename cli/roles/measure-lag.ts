/** How far a role is behind, every second, as long as it runs. */
import type { Metrics } from '../../connectors/telemetry/metrics.ts';
import type { Clock } from '../../schemas/clock.ts';

const EVERY_MS = 1_000;

export interface Lag {
  /** Records. */
  readonly waiting: number;
  /** When the oldest of them came to Kafka, milliseconds since the Unix epoch; undefined where none waits. */
  readonly oldest: number | undefined;
}

/** Gives what ends it. */
export const measureLag = (
  metrics: Pick<Metrics, 'consumerLag' | 'consumerLagSeconds'>,
  stage: string,
  clock: Clock,
  lagOf: () => Lag,
): (() => void) => {
  const timer = setInterval(() => {
    const { waiting, oldest } = lagOf();
    metrics.consumerLag.set({ stage }, waiting);
    const seconds = oldest === undefined ? 0 : clock() / 1e6 - oldest / 1_000;
    metrics.consumerLagSeconds.set({ stage }, Math.max(0, seconds));
  }, EVERY_MS);
  return () => clearInterval(timer);
};
