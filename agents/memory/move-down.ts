/** Turns of a session → one summary among the long-term memories; only then do they leave the session. */
import type { SessionKey, SessionStore } from '../../connectors/redis/session-store.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { MemoryPolicy } from '../../schemas/memory-policy.ts';
import { leastTrusted, type SessionTurn } from '../../schemas/recollection.ts';
import type { Memory } from '../../schemas/records.ts';
import type { MemoryLedger } from './memory-ledger-state.ts';
import { cutOf, memoryIdOf, SUMMARISED } from './memory-record.ts';
import { oneLine } from './one-line.ts';
import type { ReadSession } from './read-session.ts';
import { turnsToMove } from './session-state.ts';
import type { Summarise } from './summarise.ts';
import type { WriteMemories } from './write-memories.ts';

/**
 * Moves what has ended or is too much; gives how many turns. A crash anywhere leaves the turns where they are, and the next
 * time writes the same summary again. Errors: `unavailable`, `append-failed`.
 */
export type MoveDown = (key: SessionKey, policy: MemoryPolicy) => Promise<number>;

const TITLE_CHARACTERS = 160;
const KNOWN_WITHIN_MS = 10_000;

const titleOf = ([first]: readonly SessionTurn[]): string =>
  `Conversation: ${oneLine(first?.question ?? '', TITLE_CHARACTERS)}`;

/** The stretches of the journal that turns stand in, one a partition. */
const placesOf = (turns: readonly SessionTurn[]): Memory['places'] => {
  const places = new Map<string, Memory['places'][number]>();
  for (const { place } of turns) {
    const { topic, partition, offset } = place;
    const held = places.get(`${topic}:${partition}`);
    places.set(`${topic}:${partition}`, {
      topic,
      partition,
      from: Math.min(held?.from ?? offset, offset),
      to: Math.max(held?.to ?? offset, offset),
    });
  }
  return [...places.values()];
};

export const createMoveDown =
  (settings: {
    readonly sessions: Pick<SessionStore, 'remove' | 'drop' | 'settled'>;
    readonly readSession: ReadSession;
    readonly summarise: Summarise;
    readonly write: WriteMemories;
    readonly ledger: Pick<MemoryLedger, 'isCut' | 'isForgotten'>;
    /** The ledger holds what stood in the log at the call. */
    readonly caughtUp: (withinMs: number) => Promise<boolean>;
    /** Ends a memory that a person has had forgotten. */
    readonly forget: (memory: Memory) => Promise<void>;
    readonly clock: Clock;
  }): MoveDown =>
  async (key, { session, longTerm }) => {
    const { sessions, ledger, clock } = settings;
    const isCut = ({ place }: SessionTurn): boolean => ledger.isCut(place, key);
    const held = await settings.readSession(key);
    // What the store has lost would be cut from the journal unsaid: it is due again.
    if (!held) return 0;
    // Moved or forgotten before, by one that died before it took them out.
    const gone = held.filter(isCut).map(({ executionId }) => executionId);
    if (gone.length > 0) await sessions.drop(key, gone);
    const turns = held.filter((turn) => !isCut(turn));
    const moved = session ? turnsToMove(turns, session, clock()) : turns;
    const [first] = moved;
    const last = moved.at(-1);
    if (first && last && longTerm) {
      const { text, madeBy } = await settings.summarise(key, moved);
      // A model may take a minute for it: what was forgotten meanwhile is not to come back. What is left is due again.
      const left = new Set((await settings.readSession(key))?.map(({ executionId }) => executionId));
      if (moved.some((turn) => isCut(turn) || !left.has(turn.executionId))) return 0;
      const { tenant, agent, sessionId } = key;
      const summary: Memory = {
        // By its first turn: written again with more turns it is the same summary.
        memoryId: memoryIdOf('summary', [tenant, agent, sessionId, first.executionId]),
        kind: 'summary',
        state: 'kept',
        ...{ tenant, agent, sessionId },
        ...{ title: titleOf(moved), text, uses: 1 },
        origin: leastTrusted(['user', ...moved.map(({ origin }) => origin)]),
        ...{ createdAt: first.at, at: last.at, expiresAt: last.at + longTerm.ttlMs * 1_000 },
        executionId: last.executionId,
        places: placesOf(moved),
        reason: madeBy,
      };
      const untilMs = 2 * (session?.ttlMs ?? 0);
      // From the first of the journal on: what was said before these turns left the session before them.
      const places = placesOf(moved).map((place) => ({ ...place, from: 0 }));
      const cut = cutOf(key, places, { at: clock(), untilMs, reason: SUMMARISED });
      const written = await settings.write(summary, longTerm, [cut]);
      // Its record and what a person says of the session stand in one log: what came before it is known by now.
      const isKnown = written && (await settings.caughtUp(KNOWN_WITHIN_MS));
      if (isKnown && moved.some(({ place }) => ledger.isForgotten(place, key)))
        await settings.forget(written);
    }
    await sessions.remove(key, moved);
    await sessions.settled(key);
    return moved.length;
  };
