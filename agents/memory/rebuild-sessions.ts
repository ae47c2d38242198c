/**
 * Sessions read from the journal again, partition by partition, after the store lost them. Bounded: no end further back than the
 * longest session lasts, no more than so many records, and so many before them for what had begun by then. Writing is idempotent, so what is said meanwhile is not lost nor doubled.
 */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { SessionStore } from '../../connectors/redis/session-store.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Clock } from '../../schemas/clock.ts';
import { toError } from '../../schemas/errors.ts';
import type { SessionPolicy } from '../../schemas/memory-policy.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { MemoryLedger } from './memory-ledger-state.ts';
import { readEnded } from './read-ended.ts';
import { turnOf } from './remembered-turn.ts';
import { boundTurn } from './session-state.ts';

export interface RebuiltSessions {
  readonly partition: number;
  readonly records: number;
  readonly turns: number;
  /** There was more of the journal than is read: what is older is missing from the sessions. */
  readonly cut: boolean;
  readonly ms: number;
}

/** One rebuild of a partition at a time, and then this one's; false where it is not done within the time. */
export type RebuildSessions = (partition: number, waitMs: number) => Promise<boolean>;

export interface RebuildSettings {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly localTenant: string;
  readonly sessions: Pick<SessionStore, 'write' | 'life' | 'complete'>;
  /** Undefined where the agent keeps no sessions. */
  readonly policyOf: (agent: string) => SessionPolicy | undefined;
  readonly longestMs: () => number;
  readonly ledger: Pick<MemoryLedger, 'isCut'>;
  readonly clock: Clock;
  readonly maxRecords?: number;
  readonly onRebuilt: (rebuilt: RebuiltSessions) => void;
  readonly onTrouble: (error: Error) => void;
}

const MAX_RECORDS = 1_000_000;
/** Turns written at once: a round trip each, one after the other, would take most of the time. */
const AT_ONCE = 64;

export const createRebuildSessions = (settings: RebuildSettings): RebuildSessions => {
  const { kafka, sessions, ledger, clock, maxRecords = MAX_RECORDS } = settings;
  const running = new Map<number, Promise<boolean>>();

  const rebuild = async (partition: number): Promise<void> => {
    const begun = performance.now();
    const topic = TOPICS.agentEvents.name;
    const life = await sessions.life();
    const since = await kafka.admin.offsetsAt(topic, Math.floor(clock() / 1_000 - settings.longestMs()));
    const end = (await kafka.admin.offsets(topic)).find((each) => each.partition === partition)?.latest ?? 0;
    const wanted = since.get(partition) ?? end;
    const from = Math.max(wanted, end - maxRecords);
    let turns = 0;
    let writing: Promise<unknown>[] = [];
    const wants = ({ agent, sessionId }: Pick<AgentEvent, 'agent' | 'sessionId'>): boolean =>
      sessionId !== null && settings.policyOf(agent) !== undefined;
    const { records, missed } =
      from >= end
        ? { records: 0, missed: 0 }
        : await readEnded(settings, { partition, from, to: end, wants }, async (ended) => {
            const policy = settings.policyOf(ended.agent);
            const turn = policy && turnOf(ended);
            if (!policy || !turn || ended.sessionId === null) return;
            const key = { tenant: ended.tenant, agent: ended.agent, sessionId: ended.sessionId };
            if (ledger.isCut(turn.place, key)) return;
            turns += 1;
            const written = sessions.write(key, boundTurn(turn, policy), policy);
            // Awaited below; one that fails while the log is being read on would end the process.
            written.catch(() => undefined);
            writing.push(written);
            if (writing.length < AT_ONCE) return;
            await Promise.all(writing);
            writing = [];
          });
    await Promise.all(writing);
    await sessions.complete(partition, life);
    const ms = Math.round(performance.now() - begun);
    settings.onRebuilt({ partition, records, turns, cut: from > wanted || missed > 0, ms });
  };

  const once = (partition: number): Promise<boolean> => {
    const under = running.get(partition);
    if (under) return under;
    const work = rebuild(partition)
      .then(
        () => true,
        (error) => {
          settings.onTrouble(toError(error));
          return false;
        },
      )
      .finally(() => running.delete(partition));
    running.set(partition, work);
    return work;
  };

  return (partition, waitMs) => {
    let timer: NodeJS.Timeout | undefined;
    const overdue = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), waitMs);
    });
    return Promise.race([once(partition), overdue]).finally(() => clearTimeout(timer));
  };
};
