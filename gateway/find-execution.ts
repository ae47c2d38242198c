/**
 * An execution with its events as whoever asks may see it: from memory, else from the journal. Every route that takes an
 * execution's id looks here.
 */
import { FreshetError } from '../schemas/errors.ts';
import type { AgentEvent } from '../schemas/records.ts';
import type { FoundExecution } from './find-older.ts';
import type { GatewayContext } from './gateway-context.ts';
import { type Asker, isShownTo } from './http/principal-of-request.ts';

type Where = Pick<GatewayContext, 'models' | 'findOlder' | 'settings'>;

/** The same with what its events, those that are needed, hold by reference. Errors: as below, and `payload-lost`. */
export const findWholeExecution = async (
  context: Where & Pick<GatewayContext, 'payloads'>,
  id: string,
  asker: Asker,
  needs: (event: AgentEvent) => boolean = () => true,
): Promise<FoundExecution> => {
  const { entry, events } = await findExecution(context, id, asker);
  const whole = await Promise.all(
    events.map(async (each) =>
      needs(each.event) ? { ...each, event: await context.payloads.whole(each.event) } : each,
    ),
  );
  return { entry, events: whole };
};

/** Another tenant's is `not-found` like one that nobody knows (I9). Errors: `not-found`, `too-many-requests`, `kafka-unavailable`, `unavailable`. */
export const findExecution = async (context: Where, id: string, asker: Asker): Promise<FoundExecution> => {
  const found = await lookFor(context, id);
  if (!found || !isShownTo(asker, found.entry.tenant, context.settings.config.localTenant))
    throw new FreshetError('not-found', `there is no execution ${id}, or it is no longer kept`);
  return found;
};

const lookFor = async ({ models, findOlder }: Where, id: string): Promise<FoundExecution | undefined> => {
  const entry = models.executions.execution(id);
  const events = models.executions.events(id);
  if (entry && events) return { entry, events };
  // A task that no worker has begun has no events yet; one with a result was begun before what memory holds.
  if (entry?.hasTask && entry.first === null && entry.result === null) return { entry, events: [] };
  return findOlder.execution(id, entry && !entry.incomplete ? entry.first : null);
};
