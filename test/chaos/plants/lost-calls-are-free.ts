/** What an execution has cost as it must not be: a call whose outcome was lost counts for nothing. Loaded in the place of the right one. */
import { totalUsd as rightly } from '../../../schemas/execution-costs.ts';

export * from '../../../schemas/execution-costs.ts';

export const totalUsd: typeof rightly = (costs) =>
  rightly(new Map([...costs].filter(([, { state }]) => state !== 'lost')));
