/** An execution with its events: from memory, else from the journal. */
import { FreshetError } from '../schemas/errors.ts';
import type { AgentEvent } from '../schemas/records.ts';
import type { FoundExecution } from './find-older.ts';
import type { GatewayContext } from './gateway-context.ts';

/** The same with what its events, those that are needed, hold by reference. Errors: as below, and `payload-lost`. */
export const findWholeExecution = async (
  context: Pick<GatewayContext, 'models' | 'findOlder' | 'payloads'>,
  id: string,
  needs: (event: AgentEvent) => boolean = () => true,
): Promise<FoundExecution> => {
  const { entry, events } = await findExecution(context, id);
  const whole = await Promise.all(
    events.map(async (each) =>
      needs(each.event) ? { ...each, event: await context.payloads.whole(each.event) } : each,
    ),
  );
  return { entry, events: whole };
};

/** Errors: `not-found`, `too-many-requests`, `kafka-unavailable`, `unavailable`. */
export const findExecution = async (
  { models, findOlder }: Pick<GatewayContext, 'models' | 'findOlder'>,
  id: string,
): Promise<FoundExecution> => {
  const entry = models.executions.execution(id);
  const events = models.executions.events(id);
  if (entry && events) return { entry, events };
  // A task that no worker has begun has no events yet.
  if (entry?.hasTask && entry.first === null) return { entry, events: [] };
  const found = await findOlder.execution(id, entry && !entry.incomplete ? entry.first : null);
  if (!found) throw new FreshetError('not-found', `there is no execution ${id}, or it is no longer kept`);
  return found;
};
