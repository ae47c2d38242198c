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
import { type KeptMemories, nextTurn, PRUNED_A_TURN, SESSIONS_A_TURN } from './keeping-turns-state.ts';
import type { MemoryLedger } from './memory-ledger-state.ts';
import { endedMemory, memoryPartition, memoryRecord, memoryTombstone } from './memory-record.ts';
import type { MoveDown } from './move-down.ts';
import { endedLongAgo, mayPrune, memoriesToPrune } from './prune-state.ts';

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
const SESSIONS_AT_ONCE = 16;
const SESSION_LEASE_MS = 120_000;
const DEFAULTS = memoryPolicyOf({ session: {}, longTerm: {} });
/** A takeover repeats what its predecessor did in the last moments. */
const PRUNED_KNOWN_MS = 600_000;
const JOURNAL_KEPT_MS = Number(TOPICS.agentEvents.settings['retention.ms']);
const NONE_PRUNED = { expired: 0, tooMany: 0, dropped: 0 };
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
    const counts = { ...NONE_PRUNED };
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
      const used = mayPrune(ledger.of(namespace), policy, now)
        ? await uses.read(namespace).catch(() => NO_USES)
        : undefined;
      const pruned = used ? memoriesToPrune(ledger.of(namespace), used, policy, now, left) : [];
      const over = endedLongAgo(ledger.of(namespace), known, now, left);
      if (pruned.length + over.length === 0) continue;
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

  const work = async (prunes: boolean): Promise<KeptMemories> => {
    const sessions = await endSessions().catch((error) => {
      settings.onTrouble(toError(error));
      return { sessionsEnded: 0, turnsMoved: 0 };
    });
    return { ...sessions, ...(prunes ? await prune() : NONE_PRUNED) };
  };

  let stopped = false;
  let working: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let prunedAt = 0;
  const everyMs = settings.everyMs ?? EVERY_MS;
  const next = ({ afterMs, prunes }: ReturnType<typeof nextTurn>): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      if (prunes) prunedAt = performance.now();
      working = work(prunes).then(
        (kept) => {
          settings.onKept(kept);
          next(nextTurn(kept, performance.now() - prunedAt, everyMs));
        },
        (error) => {
          settings.onTrouble(toError(error));
          next({ afterMs: everyMs, prunes: true });
        },
      );
    }, afterMs);
  };
  next({ afterMs: everyMs, prunes: true });

  return {
    turn: () => work(true),
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
};
