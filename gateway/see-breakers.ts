/** How the breakers that workers share stand, as Redis has them, for alerts and for the gauge. */
import { BREAKER_GAUGE } from '../connectors/guarded-calls/breaker-state.ts';
import type { Metrics } from '../connectors/telemetry/metrics.ts';
import type { BreakerSeen } from './agent-alert-conditions.ts';
import type { GatewaySettings } from './gateway-context.ts';

/** Null: it cannot be read. Never throws. */
export const seeBreakers = async ({
  breakers,
  clock,
}: Pick<GatewaySettings, 'breakers' | 'clock'>): Promise<readonly BreakerSeen[] | null> => {
  const all = await breakers?.().catch(() => null);
  const nowMs = clock() / 1_000;
  return (
    all?.map(({ name, breaker }) => ({
      ...{ name, state: breaker.state },
      isDue: breaker.state !== 'closed' && breaker.until <= nowMs,
    })) ?? null
  );
};

/** The gauge of breakers, set at the moment it is asked for. What is not known is absent: nobody has tried one that is due. */
export const measureBreakers = (
  { breakerState }: Pick<Metrics, 'breakerState'>,
  seen: readonly BreakerSeen[] | null,
): void => {
  breakerState.reset();
  for (const { name, state, isDue } of seen ?? [])
    if (!isDue) breakerState.set({ tool: name }, BREAKER_GAUGE[state]);
};
