/**
 * What the last calls of a partition came to, as its journal says at a takeover. The worker before may have died between a reply's
 * place in the log and the day's money hearing of it: whoever takes over says it again, and what was heard changes nothing. Pure but for
 * being kept in place.
 */
import { changedCosts, NO_COSTS } from '../../schemas/execution-costs.ts';
import type { AgentEvent } from '../../schemas/records.ts';

export interface LandedCost {
  readonly costId: string;
  readonly usd: string;
}

export interface LandedCosts {
  /** Events in the order of the log. */
  add(event: AgentEvent): void;
  last(): readonly LandedCost[];
}

/** More than a worker has under way in one partition: what came before was heard long ago. Redis is told of all of them at once. */
const MOST_HELD = 300;

export const createLandedCosts = (most = MOST_HELD): LandedCosts => {
  let landed: LandedCost[] = [];
  return {
    add: (event) => {
      // Whatever came before it: of one call the first that is said counts.
      for (const { costId, usd, state } of changedCosts(NO_COSTS, event, false))
        if (state === 'settled') landed.push({ costId, usd });
      if (landed.length >= 2 * most) landed = landed.slice(-most);
    },
    last: () => landed.slice(-most),
  };
};
