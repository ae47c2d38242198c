/** How every breaker stands: those that workers share, as Redis has them, and those of other services, as their roles say. */
import type { GatewaySettings } from './gateway-context.ts';
import { breakerGaugesOf } from './views/role-counters.ts';
import { type BreakerView, breakerViewOf, serviceBreakerOf } from './views/safety-view.ts';

export interface BreakerReport {
  /** False: what workers share could not be read, and is missing. */
  readonly known: boolean;
  readonly all: readonly BreakerView[];
}

const SHARED = /^(model|tool):/;

/** Never throws: what cannot be read is missing. */
export const reportBreakers = async ({
  breakers,
  roleMetrics,
}: Pick<GatewaySettings, 'breakers' | 'roleMetrics'>): Promise<BreakerReport> => {
  const [shared, roles] = await Promise.all([
    breakers?.().catch(() => null) ?? null,
    roleMetrics?.().catch(() => []) ?? [],
  ]);
  const services = [...breakerGaugesOf(roles)].filter(([name]) => !SHARED.test(name));
  return {
    known: shared !== null,
    all: [
      ...(shared ?? []).map(({ name, breaker }) => breakerViewOf(name, breaker)),
      ...services.map(([name, gauge]) => serviceBreakerOf(name, gauge)),
    ],
  };
};
