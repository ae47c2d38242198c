/** The reading of sessions from the journal as it must not be: said to be done, and not done. Loaded in the place of the right one. */
import type { createRebuildSessions as rightly } from '../../../agents/memory/rebuild-sessions.ts';

export * from '../../../agents/memory/rebuild-sessions.ts';

export const createRebuildSessions: typeof rightly =
  ({ sessions }) =>
  async (partition) => {
    await sessions.complete(partition, await sessions.life());
    return true;
  };
