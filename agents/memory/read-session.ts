/** The turns of a session, all of them: where the store has lost its memory, it is read from the journal again first. */
import { partitionOfKey } from '../../connectors/kafka/partition-of-key.ts';
import type { SessionKey, SessionStore } from '../../connectors/redis/session-store.ts';
import type { SessionTurn } from '../../schemas/recollection.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { RebuildSessions } from './rebuild-sessions.ts';

/**
 * `partition`: of the journal, where the session stands; where left out, that of its key. Null: it is being rebuilt, and not known
 * yet. Errors: `unavailable`.
 */
export type ReadSession = (key: SessionKey, partition?: number) => Promise<readonly SessionTurn[] | null>;

/** Somebody waits this long for a session to be rebuilt: less than for its tier, so that it is told that it is. */
const REBUILD_WAIT_MS = 800;

export const createReadSession =
  (sessions: Pick<SessionStore, 'read'>, rebuild: RebuildSessions): ReadSession =>
  async (key, partition = partitionOfKey(Buffer.from(key.sessionId), TOPICS.agentEvents.partitions)) => {
    const stored = await sessions.read(key, partition);
    if (stored.whole) return stored.turns;
    if (!(await rebuild(partition, REBUILD_WAIT_MS))) return null;
    const again = await sessions.read(key, partition);
    return again.whole ? again.turns : null;
  };
