/** Sessions in Redis. One key a session, two for all of them; every change of a session is one script. */
import { parseSessionTurn, type SessionTurn } from '../../schemas/recollection.ts';
import type { RedisConnection } from './redis-connection.ts';
import { CLAIM_DUE, READ_SESSION, REMOVE_TURNS, SETTLE_SESSION, WRITE_TURN } from './session-scripts.ts';
import type { SessionKey, SessionStore } from './session-store.ts';

const PREFIX = 'freshet:session:';
const DUE = 'freshet:sessions:due';
const COMPLETE = 'freshet:sessions:complete';
const TURN = 't:';
/** Sessions looked through for a list. */
const LIST_AT_ONCE = 1_000;

const keyOf = ({ tenant, agent, sessionId }: SessionKey): string =>
  PREFIX + JSON.stringify([tenant, agent, sessionId]);

/** None for what is no session: Redis can be written by others, and one wrong name must not hold back all that are due. */
const sessionsOf = (key: string): readonly SessionKey[] => {
  try {
    const parts = JSON.parse(key.slice(PREFIX.length)) as unknown;
    const [tenant, agent, sessionId] = Array.isArray(parts) ? (parts as unknown[]) : [];
    return typeof tenant === 'string' && typeof agent === 'string' && typeof sessionId === 'string'
      ? [{ tenant, agent, sessionId }]
      : [];
  } catch {
    return [];
  }
};

const fieldOf = (executionId: string): string => TURN + executionId;
const charactersOf = ({ question, answer }: SessionTurn): number => question.length + answer.length;

const turnsOf = (fields: readonly string[]): readonly SessionTurn[] => {
  const turns: SessionTurn[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const value = fields[at + 1] ?? '';
    if (!fields[at]?.startsWith(TURN)) continue;
    const turn = parseSessionTurn(value.slice(value.indexOf('{')));
    if (turn) turns.push(turn);
  }
  return turns.sort((a, b) => a.place.offset - b.place.offset || a.at - b.at);
};

export const createRedisSessionStore = (connection: RedisConnection): SessionStore => {
  const { use } = connection;

  return {
    read: (key, partition) =>
      use(async (redis, runId) => {
        const answer = await READ_SESSION(redis, [keyOf(key), COMPLETE], [String(partition), runId]);
        const [whole, fields] = answer as readonly [number, readonly string[]];
        return { whole: whole === 1, turns: turnsOf(fields) };
      }),

    write: (key, turn, { ttlMs, maxTurns, maxCharacters }) =>
      use(async (redis) => {
        const answer = await WRITE_TURN(
          redis,
          [keyOf(key), DUE],
          [
            fieldOf(turn.executionId),
            ...[turn.place.partition, turn.place.offset, charactersOf(turn)].map(String),
            JSON.stringify(turn),
            ...[turn.at, ttlMs, 2 * maxTurns, 2 * maxCharacters].map(String),
            String(Math.ceil(turn.at / 1_000) + ttlMs),
          ],
        );
        const [written, turns, characters] = answer as readonly [number, number, number];
        return { written: written === 1, turns, characters };
      }),

    remove: (key, turns) =>
      use(async (redis) => {
        if (turns.length === 0) return;
        const values = turns.flatMap(({ executionId, place }) => [
          fieldOf(executionId),
          String(place.partition),
          String(place.offset),
        ]);
        await REMOVE_TURNS(redis, [keyOf(key)], values);
      }),

    drop: (key, executionIds) =>
      use(async (redis) => {
        if (executionIds.length === 0) return 0;
        const values = executionIds.flatMap((id) => [fieldOf(id), '', '']);
        return (await REMOVE_TURNS(redis, [keyOf(key)], values)) as number;
      }),

    due: (now, leaseMs, most) =>
      use(async (redis) => {
        const keys = await CLAIM_DUE(redis, [DUE], [now, leaseMs, most].map(String));
        return (keys as readonly string[]).flatMap(sessionsOf);
      }),

    settled: (key) =>
      use(async (redis) => {
        await SETTLE_SESSION(redis, [keyOf(key), DUE], []);
      }),

    list: (wanted, most) =>
      use(async (redis) => {
        const found: SessionKey[] = [];
        for (let from = 0; found.length < most; from += LIST_AT_ONCE) {
          const keys = await redis.zrange(DUE, String(from), String(from + LIST_AT_ONCE - 1));
          found.push(...keys.flatMap(sessionsOf).filter(wanted));
          if (keys.length < LIST_AT_ONCE) break;
        }
        return found.slice(0, most);
      }),

    life: () => use(async (_, runId) => runId),

    complete: (partition, life) =>
      use(async (redis) => {
        await redis.hset(COMPLETE, String(partition), life);
      }),

    incomplete: (partition) =>
      use(async (redis) => {
        await redis.hdel(COMPLETE, String(partition));
      }),

    close: () => connection.close(),
  };
};
