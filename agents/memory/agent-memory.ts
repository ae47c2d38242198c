/**
 * What agents remember, in three tiers: the turns of a session near at hand, what became of older ones in the vector index, and
 * rules by which the first becomes the second. The journal is the truth of both; losing a store loses no memory for good.
 */
import type { SessionKey, SessionStore } from '../../connectors/redis/session-store.ts';
import type { Clock } from '../../schemas/clock.ts';
import { toError } from '../../schemas/errors.ts';
import { withSignals } from '../../schemas/linked-signal.ts';
import type { MemoryPolicy, SessionPolicy } from '../../schemas/memory-policy.ts';
import { NOTHING_RECALLED, type Recollection } from '../../schemas/recollection.ts';
import { learnedBehaviour } from './learned-behaviour.ts';
import type { MemoryLedger } from './memory-ledger-state.ts';
import type { MoveDown } from './move-down.ts';
import type { ReadSession } from './read-session.ts';
import type { RecallMemories } from './recall-memories.ts';
import { type EndedExecution, turnOf } from './remembered-turn.ts';
import { boundTurn, turnsToRecall } from './session-state.ts';
import type { WriteMemories } from './write-memories.ts';

export interface RecallAsk {
  readonly agent: string;
  readonly tenant: string;
  readonly sessionId: string | null;
  /** The question. */
  readonly text: string;
  readonly policy: MemoryPolicy;
  /** Of the journal, where the execution stands; where left out, that of the session's key. */
  readonly partition?: number;
}

type SessionAsk = RecallAsk & { readonly sessionId: string };

export type TurnToRemember = EndedExecution & { readonly policy: MemoryPolicy };

export interface AgentMemory {
  /**
   * What is known before an execution's first model step: the session's turns and long-term memories near the question.
   * Bounded in size and time; a tier that does not answer, or not before the signal ends, says so in its place: a step that is stopped
   * ends as one.
   */
  recall(ask: RecallAsk, signal: AbortSignal): Promise<Recollection>;
  /**
   * After an execution ended: its turn into the session, and a learned behaviour where it worked. Idempotent by execution.
   * Errors: `append-failed` where the behaviour could not be written; a session store that is away is made good by a rebuild.
   */
  remember(entry: TurnToRemember): Promise<void>;
  /** Resolves when nothing is being moved down any more. */
  settled(): Promise<void>;
}

export interface AgentMemorySettings {
  readonly sessions: SessionStore;
  readonly readSession: ReadSession;
  readonly recallMemories: RecallMemories;
  readonly write: WriteMemories;
  readonly moveDown: MoveDown;
  readonly ledger: Pick<MemoryLedger, 'isCut'>;
  readonly clock: Clock;
  readonly onTrouble: (error: Error) => void;
}

/** An execution waits this long for a tier. */
const TIER_WAIT_MS = 1_000;
/** Turns that wait for a store that is away; beyond them its partitions are read from the journal again. */
const MOST_UNWRITTEN = 1_000;
/** Sessions that are summarised at a time. */
const MOVING_AT_ONCE = 16;

/** Rejects when the signal ends. */
const ended = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const end = (): void => reject(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });

export const createAgentMemory = (settings: AgentMemorySettings): AgentMemory => {
  const { sessions, clock, onTrouble } = settings;
  /** Turns that could not be written yet: before anything is read or written again. */
  const unwritten = new Map<string, () => Promise<unknown>>();
  /** Partitions of which more could not be written than is kept: what the store says of them is no longer whole. */
  const broken = new Set<number>();
  const moving = new Map<string, Promise<unknown>>();

  const mendOnce = async (): Promise<void> => {
    for (const partition of broken) {
      await sessions.incomplete(partition);
      broken.delete(partition);
    }
    if (unwritten.size === 0) return;
    await Promise.all(
      [...unwritten].map(async ([executionId, write]) => {
        await write();
        unwritten.delete(executionId);
      }),
    );
  };
  let mending: Promise<void> | undefined;
  /** Once for all that wait for it, and to its end though none of them does any more. */
  const mend = async (): Promise<void> => {
    while (broken.size > 0 || unwritten.size > 0) {
      mending ??= mendOnce().finally(() => {
        mending = undefined;
      });
      await mending;
    }
  };

  const readTurns = async (
    { agent, tenant, sessionId, partition }: SessionAsk,
    policy: SessionPolicy,
  ): Promise<Pick<Recollection, 'session' | 'turns'>> => {
    await mend();
    const key = { agent, tenant, sessionId };
    const read = await settings.readSession(key, partition);
    if (read === null) return { session: 'rebuilding', turns: [] };
    // A person's cut stands from when it is in the log, whatever the store still holds or was given meanwhile.
    const stored = read.filter(({ place }) => !settings.ledger.isCut(place, key));
    const turns = turnsToRecall(stored, policy, clock());
    const session = turns.length > 0 ? 'known' : stored.length > 0 ? 'ended' : 'new';
    return { session, turns };
  };

  const recallSession = async (
    ask: SessionAsk,
    policy: SessionPolicy,
    signal: AbortSignal,
  ): Promise<Pick<Recollection, 'session' | 'turns'>> => {
    try {
      return await withSignals([signal, AbortSignal.timeout(TIER_WAIT_MS)], (within) =>
        Promise.race([readTurns(ask, policy), ended(within)]),
      );
    } catch (error) {
      if (!signal.aborted) onTrouble(toError(error));
      return { session: 'unavailable', turns: [] };
    }
  };

  const recallLongTerm = async (
    ask: RecallAsk,
    signal: AbortSignal,
  ): Promise<Pick<Recollection, 'longTerm' | 'memories'>> => {
    const { longTerm } = ask.policy;
    if (!longTerm || ask.text.trim() === '') return { longTerm: 'none', memories: [] };
    try {
      const memories = await withSignals([signal, AbortSignal.timeout(TIER_WAIT_MS)], (within) =>
        settings.recallMemories(ask, longTerm, within),
      );
      return { longTerm: 'known', memories };
    } catch (error) {
      if (!signal.aborted) onTrouble(toError(error));
      return { longTerm: 'unavailable', memories: [] };
    }
  };

  /** Behind the execution's back. What finds no place now is due again with the session's next turn. */
  const move = (key: SessionKey, policy: MemoryPolicy): void => {
    const name = JSON.stringify([key.tenant, key.agent, key.sessionId]);
    if (moving.has(name) || moving.size >= MOVING_AT_ONCE) return;
    const work = settings.moveDown(key, policy).catch((error) => onTrouble(toError(error)));
    moving.set(
      name,
      work.finally(() => moving.delete(name)),
    );
  };

  const keepTurn = async (entry: TurnToRemember, policy: SessionPolicy): Promise<void> => {
    const turn = turnOf(entry);
    const { tenant, agent, sessionId, place } = entry;
    if (!turn || sessionId === null) return;
    const key = { tenant, agent, sessionId };
    const write = () => sessions.write(key, boundTurn(turn, policy), policy);
    // By the time that the store is back it may be forgotten.
    const writeLate = async () => (settings.ledger.isCut(place, key) ? undefined : write());
    try {
      await mend();
      const held = await write();
      if (held.turns > policy.maxTurns || held.characters > policy.maxCharacters) move(key, entry.policy);
    } catch (error) {
      if (unwritten.size < MOST_UNWRITTEN) unwritten.set(turn.executionId, writeLate);
      else broken.add(place.partition);
      onTrouble(toError(error));
    }
  };

  return {
    recall: async (ask, signal) => {
      const { session } = ask.policy;
      const { sessionId } = ask;
      const [near, far] = await Promise.all([
        session && sessionId !== null
          ? recallSession({ ...ask, sessionId }, session, signal)
          : NOTHING_RECALLED,
        recallLongTerm(ask, signal),
      ]);
      return {
        session: near.session,
        turns: near.turns,
        longTerm: far.longTerm,
        memories: far.memories,
      };
    },

    remember: async (entry) => {
      const { session, longTerm } = entry.policy;
      if (session) await keepTurn(entry, session);
      const learned = longTerm && learnedBehaviour(entry, longTerm);
      if (longTerm && learned) await settings.write(learned, longTerm);
    },

    settled: async () => {
      await Promise.all(moving.values());
    },
  };
};
