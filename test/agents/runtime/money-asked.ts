/** Guards that deny what a test says, and note what was asked of the day's money and what it came to, by cost id. */
import {
  type CallGuards,
  type Denial,
  type MoneyAsked,
  UNGUARDED,
} from '../../../agents/runtime/call-guards.ts';

export const ledgerOf = (denialOf: (money: MoneyAsked) => Denial | null = () => null) => {
  const reserved = new Map<string, string>();
  const settled = new Map<string, string>();
  const guards: CallGuards = {
    ...UNGUARDED,
    reserve: async (money) => {
      const denied = denialOf(money);
      if (denied === null) reserved.set(money.costId, money.usd);
      return denied;
    },
    settle: (costId, usd) => void settled.set(costId, usd),
  };
  return { guards, reserved, settled };
};
