/**
 * What is done for memories at intervals by every agents role: sessions that ended are moved down, and memories past their time
 * or number go. A session is leased to one worker at a time; a namespace is its partition's owner's. Each turn is bounded work.
 */
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { SessionStore } from '../../connectors/redis/session-store.ts';
import type { MemoryUse, UseCounts } from '../../connectors/redis/use-counts.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Clock } from '../../schemas/clock.ts';
import { toError } from '../../schemas/errors.ts';
import { type LongTermPolicy, type MemoryPolicy, memoryPolicyOf } from '../../schemas/memory-policy.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { MemoryLedger } from './memory-ledger-state.ts';
import { endedMemory, memoryPartition, memoryRecord, memoryTombstone } from './memory-record.ts';
import type { MoveDown } from './move-down.ts';
import { endedLongAgo, memoriesToPrune } from './prune-state.ts';

export interface KeptMemories {
  readonly sessionsEnded: number;
  readonly turnsMoved: number;
  readonly expired: number;
  readonly tooMany: number;
  /** Of which nothing need be known any more. */
  readonly dropped: number;
}

export interface KeepMemoriesSettings {
  readonly sessions: Pick<SessionStore, 'due'>;
  readonly uses: UseCounts;
  readonly moveDown: MoveDown;
  readonly ledger: MemoryLedger;
  readonly writer: Pick<RecordWriter, 'append'>;
  readonly codec: Pick<RecordCodec, 'encode'>;
  /** By agent; one that is not configured any more is kept by the defaults. */
  readonly policyOf: (agent: string) => MemoryPolicy | undefined;
  /** Partitions of cdc.memory whose memories are pruned here. */
  readonly owned: () => readonly number[];
  readonly clock: Clock;
  readonly everyMs?: number;
  /** How long a pruned memory is known: a repetition of what it was learned from that comes later learns it again. */
  readonly prunedKnownMs?: number;
  readonly onKept: (kept: KeptMemories) => void;
  readonly onTrouble: (error: Error) => void;
}

const EVERY_MS = 5_000;
const SESSIONS_A_TURN = 200;
const SESSIONS_AT_ONCE = 16;
const SESSION_LEASE_MS = 120_000;
const PRUNED_A_TURN = 500;
const DEFAULTS = memoryPolicyOf({ session: {}, longTerm: {} });
/** A takeover repeats what its predecessor did in the last moments. */
const PRUNED_KNOWN_MS = 600_000;
/** Where a turn's bound left work over. */
const AGAIN_MS = 50;
const JOURNAL_KEPT_MS = Number(TOPICS.agentEvents.settings['retention.ms']);
const NO_USES: ReadonlyMap<string, MemoryUse> = new Map();

export interface KeepMemories {
  /** One turn now. Errors: `append-failed`, `unavailable`. */
  turn(): Promise<KeptMemories>;
  stop(): Promise<void>;
}

export const keepMemories = (settings: KeepMemoriesSettings): KeepMemories => {
  const { ledger, clock, codec, writer, uses } = settings;
  const known = { prunedMs: settings.prunedKnownMs ?? PRUNED_KNOWN_MS, forgottenMs: JOURNAL_KEPT_MS };
  let cursor = 0;

  const endSessions = async (): Promise<Pick<KeptMemories, 'sessionsEnded' | 'turnsMoved'>> => {
    const due = await settings.sessions.due(Math.floor(clock() / 1_000), SESSION_LEASE_MS, SESSIONS_A_TURN);
    let turnsMoved = 0;
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let key = due[next++]; key; key = due[next++])
        turnsMoved += await settings
          .moveDown(key, settings.policyOf(key.agent) ?? DEFAULTS)
          // Its lease ends, and it is due again.
          .catch((error) => {
            settings.onTrouble(toError(error));
            return 0;
          });
    };
    await Promise.all(Array.from({ length: SESSIONS_AT_ONCE }, lane));
    return { sessionsEnded: due.length, turnsMoved };
  };

  const prune = async (): Promise<Pick<KeptMemories, 'expired' | 'tooMany' | 'dropped'>> => {
    const owned = new Set(settings.owned());
    const now = clock();
    const counts = { expired: 0, tooMany: 0, dropped: 0 };
    let left = PRUNED_A_TURN;
    const namespaces = [...ledger.namespaces()];
    // Where the last turn left off, so that no namespace waits behind a busy one for ever.
    const order = [...namespaces.slice(cursor), ...namespaces.slice(0, cursor)];
    for (const namespace of order) {
      if (left <= 0) break;
      cursor = (cursor + 1) % namespaces.length;
      const [any] = ledger.of(namespace);
      if (!any || !owned.has(memoryPartition(any))) continue;
      const policy: LongTermPolicy | undefined = settings.policyOf(any.agent)?.longTerm ?? DEFAULTS.longTerm;
      if (!policy) continue;
      // Lost counts make memories decay by age alone.
      const used = await uses.read(namespace).catch(() => NO_USES);
      const pruned = memoriesToPrune(ledger.of(namespace), used, policy, now, left);
      const over = endedLongAgo(ledger.of(namespace), known, now, left);
      left -= pruned.length + over.length;
      const ended = pruned.map(({ memory, reason }) => endedMemory(memory, 'pruned', reason, now));
      await writer.append([
        ...ended.map((memory) => memoryRecord(codec, memory)),
        ...over.map((memory) => memoryTombstone(memory)),
      ]);
      for (const memory of ended) ledger.take(memory);
      for (const { memoryId } of over) ledger.dropped(memoryId);
      counts.dropped += over.length;
      counts.expired += pruned.filter(({ reason }) => reason === 'expired').length;
      counts.tooMany += pruned.filter(({ reason }) => reason === 'too-many').length;
      await uses
        .forget(
          namespace,
          ended.map(({ memoryId }) => memoryId),
        )
        .catch(settings.onTrouble);
    }
    return counts;
  };

  const turn = async (): Promise<KeptMemories> => {
    const sessions = await endSessions().catch((error) => {
      settings.onTrouble(toError(error));
      return { sessionsEnded: 0, turnsMoved: 0 };
    });
    return { ...sessions, ...(await prune()) };
  };

  let stopped = false;
  let working: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const everyMs = settings.everyMs ?? EVERY_MS;
  const next = (afterMs: number): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      working = turn().then(
        (kept) => {
          settings.onKept(kept);
          const full =
            kept.sessionsEnded >= SESSIONS_A_TURN ||
            kept.expired + kept.tooMany + kept.dropped >= PRUNED_A_TURN;
          next(full ? AGAIN_MS : everyMs);
        },
        (error) => {
          settings.onTrouble(toError(error));
          next(everyMs);
        },
      );
    }, afterMs);
  };
  next(everyMs);

  return {
    turn,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
};
