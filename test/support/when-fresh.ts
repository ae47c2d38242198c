import { toFreshetError } from '../../schemas/errors.ts';
import { until } from './until.ts';

/**
 * Asks again while the answer is that it would be stale: one question may wait for 20 s, and a slow machine takes longer. What is
 * answered at all has to be fresh.
 */
export const whenFresh = <Of extends object>(ask: () => Promise<Of>): Promise<Of> =>
  until('it is fresh enough', () =>
    ask().catch((thrown: unknown) => {
      if (toFreshetError(thrown).code === 'stale') return undefined;
      throw thrown;
    }),
  ) as Promise<Of>;
