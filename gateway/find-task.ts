/** A task as whoever asks may see it: from memory, where it waits for a person from that alone, else from freshet.results and freshet.task-states. Every route that takes a task's id looks here. */
import { FreshetError } from '../schemas/errors.ts';
import { executionIdOf } from '../schemas/task-identity.ts';
import type { GatewayContext } from './gateway-context.ts';
import { type Asker, isShownTo } from './http/principal-of-request.ts';
import type { AskedApproval } from './read-models/approval-list.ts';
import { type ExecutionEntry, newEntry } from './read-models/execution-entry.ts';

/** Another tenant's is `not-found` like one that nobody knows (I9). Errors: `not-found`, `too-many-requests`, `kafka-unavailable`, `unavailable`. */
export const findTask = async (
  { models, findOlder, settings }: Pick<GatewayContext, 'models' | 'findOlder' | 'settings'>,
  id: string,
  asker: Asker,
): Promise<ExecutionEntry> => {
  const waiting = models.approvals.of(executionIdOf(id));
  const entry = models.executions.task(id) ?? (waiting ? entryOfWaiting(waiting) : await findOlder.task(id));
  if (!entry || !isShownTo(asker, entry.tenant, settings.config.localTenant))
    throw new FreshetError('not-found', `there is no task ${id}, or it is no longer kept`);
  return entry;
};

/** So many tasks may have come after it that the rest of it is forgotten. */
const entryOfWaiting = ({ taskId, agent, tenant, askedAt }: AskedApproval): ExecutionEntry => ({
  ...newEntry(taskId),
  ...{ agent, tenant, state: 'processing', incomplete: true, updatedAt: askedAt },
});
