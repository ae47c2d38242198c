/** A task as whoever asks may see it: from memory, else from freshet.results. Every route that takes a task's id looks here. */
import { FreshetError } from '../schemas/errors.ts';
import type { GatewayContext } from './gateway-context.ts';
import { type Asker, isShownTo } from './http/principal-of-request.ts';
import type { ExecutionEntry } from './read-models/execution-entry.ts';

/** Another tenant's is `not-found` like one that nobody knows (I9). Errors: `not-found`, `too-many-requests`, `kafka-unavailable`, `unavailable`. */
export const findTask = async (
  { models, findOlder, settings }: Pick<GatewayContext, 'models' | 'findOlder' | 'settings'>,
  id: string,
  asker: Asker,
): Promise<ExecutionEntry> => {
  const entry = models.executions.task(id) ?? (await findOlder.result(id));
  if (!entry || !isShownTo(asker, entry.tenant, settings.config.localTenant))
    throw new FreshetError('not-found', `there is no task ${id}, or it is no longer kept`);
  return entry;
};
