/** Guards that deny what a test says, and note what a call came to and how the day's money counts it, by cost id. */
import {
  type CallGuards,
  type Denial,
  type MoneyAsked,
  UNGUARDED,
} from '../../../agents/runtime/call-guards.ts';

export const ledgerOf = (denialOf: (money: MoneyAsked) => Denial | null = () => null) => {
  const settled = new Map<string, string>();
  /** As it was settled, and until then as it was reserved. */
  const counted = new Map<string, string>();
  const guards: CallGuards = {
    ...UNGUARDED,
    reserve: async (money) => {
      const denied = denialOf(money);
      if (denied === null) counted.set(money.costId, money.usd);
      return denied;
    },
    settle: (costId, usd) => {
      settled.set(costId, usd);
      counted.set(costId, usd);
    },
  };
  return { guards, settled, counted };
};
