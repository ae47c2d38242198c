/** Everything of memory that an agents role needs, put together over its servers. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import { modelsFor } from '../../connectors/models/language/models-for.ts';
import { openRedisConnection } from '../../connectors/redis/redis-connection.ts';
import { createRedisSessionStore } from '../../connectors/redis/redis-session-store.ts';
import { createRedisUseCounts } from '../../connectors/redis/redis-use-counts.ts';
import type { SessionStore } from '../../connectors/redis/session-store.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import type { Clock } from '../../schemas/clock.ts';
import { toError } from '../../schemas/errors.ts';
import { type MemoryPolicy, memoryPolicyOf } from '../../schemas/memory-policy.ts';
import { safetyPolicyOf } from '../../schemas/safety-policy.ts';
import type { Retriever } from '../../schemas/search.ts';
import { type CallGuards, UNGUARDED } from '../runtime/call-guards.ts';
import { type ExecutionControls, SILENT } from '../runtime/execution-controls.ts';
import { type AgentMemory, createAgentMemory } from './agent-memory.ts';
import { followMemories } from './follow-memories.ts';
import { forgetMemories } from './forget-memories.ts';
import { type KeepMemories, keepMemories } from './keep-memories.ts';
import type { KeptMemories } from './keeping-turns-state.ts';
import type { MemoryLedger } from './memory-ledger-state.ts';
import { createMoveDown } from './move-down.ts';
import { readEnded } from './read-ended.ts';
import { createReadSession } from './read-session.ts';
import { createRebuildSessions, type RebuiltSessions } from './rebuild-sessions.ts';
import { createRecallMemories } from './recall-memories.ts';
import { createSummarise } from './summarise.ts';
import { recordSummaryCosts } from './summary-costs.ts';
import { followFeedback } from './unlearn.ts';
import { createWriteMemories } from './write-memories.ts';

export type MemoryEvent =
  | ({ readonly type: 'sessions-rebuilt' } & RebuiltSessions)
  | ({ readonly type: 'memories-kept' } & KeptMemories)
  /** Something did not answer; what it means for an execution stands in its recollection. */
  | { readonly type: 'memory-trouble'; readonly error: Error };

export interface OpenAgentMemorySettings {
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  readonly retriever: Retriever;
  /** redis://host:port */
  readonly redis: string;
  /** Those of an agent's that can write are asked for its summaries one after the other, until one gives any; else they are extracted. */
  readonly models: readonly LanguageModel[];
  /** One without `memory` remembers nothing. */
  readonly agents: readonly Pick<AgentDefinition, 'name' | 'memory' | 'models' | 'safety'>[];
  /** What summaries by a model are held to, as every call of their agent's; nothing where left out. */
  readonly guards?: CallGuards;
  readonly control?: ExecutionControls;
  /** Partitions that this worker owns, of tasks as of memories. */
  readonly owned: () => readonly number[];
  /** Whose an execution is that names no tenant. */
  readonly localTenant: string;
  readonly clock: Clock;
  readonly keepEveryMs?: number;
  /** See KeepMemoriesSettings. */
  readonly prunedKnownMs?: number;
  readonly onEvent: (event: MemoryEvent) => void;
}

export interface OpenedAgentMemory {
  readonly memory: AgentMemory;
  /**
   * Remembers again what ended in a partition of the journal from an offset on, for a worker that takes it over: its
   * predecessor may have died between an execution's end and `remember`. Gives how many executions of agents with a memory had ended.
   */
  readonly recover: (partition: number, from: number) => Promise<number>;
  readonly sessions: SessionStore;
  readonly ledger: MemoryLedger;
  readonly keep: KeepMemories;
  stop(): Promise<void>;
}

const RECOVER_TRIES = 5;
const RECOVER_PAUSE_MS = 1_000;

/** Errors: `kafka-unavailable`. Redis and the index may be away. */
export const openAgentMemory = async (settings: OpenAgentMemorySettings): Promise<OpenedAgentMemory> => {
  const { kafka, codec, writer, retriever, models, localTenant, clock, onEvent } = settings;
  const { guards = UNGUARDED, control = SILENT } = settings;
  const agents = new Map(settings.agents.map((agent) => [agent.name, agent]));
  const policies: ReadonlyMap<string, MemoryPolicy> = new Map(
    settings.agents.flatMap(({ name, memory: policy }) => (policy ? [[name, memoryPolicyOf(policy)]] : [])),
  );
  const onTrouble = (error: Error): void => onEvent({ type: 'memory-trouble', error });
  const followed = await followMemories({ kafka, codec, onTrouble });
  const { ledger } = followed;
  const { owned } = settings;
  const feedback = await followFeedback({ kafka, codec, writer, ledger, localTenant, onTrouble });
  const connection = openRedisConnection(settings.redis);
  const sessions = createRedisSessionStore(connection);
  const uses = createRedisUseCounts(connection);
  const write = createWriteMemories({ writer, codec, retriever, ledger, onTrouble });
  const summarise = createSummarise({
    modelsOf: (name) => modelsFor(agents.get(name) ?? { name }, models),
    ledger: recordSummaryCosts({
      ...{ writer, codec, clock, guards },
      usdPerDayOf: (name) => safetyPolicyOf(agents.get(name)?.safety).usdPerDay,
    }),
    ...{ guards, control, onTrouble },
  });
  const rebuild = createRebuildSessions({
    ...{ kafka, codec, localTenant, sessions, ledger, clock, onTrouble },
    policyOf: (agent) => policies.get(agent)?.session,
    longestMs: () => Math.max(0, ...[...policies.values()].map(({ session }) => session?.ttlMs ?? 0)),
    onRebuilt: (rebuilt) => onEvent({ type: 'sessions-rebuilt', ...rebuilt }),
  });
  const readSession = createReadSession(sessions, rebuild);
  const moveDown = createMoveDown({
    ...{ sessions, readSession, summarise, write, ledger, clock },
    caughtUp: followed.caughtUp,
    forget: (memory) =>
      forgetMemories({ writer, codec, clock }, [memory], 'forgotten while it was summarised'),
  });
  const memory = createAgentMemory({
    ...{ sessions, readSession, write, moveDown, ledger, clock, onTrouble },
    recallMemories: createRecallMemories({ retriever, uses, clock, onTrouble }),
  });
  const keep = keepMemories({
    ...{ sessions, uses, moveDown, ledger, writer, codec, clock, onTrouble },
    policyOf: (agent) => policies.get(agent),
    owned,
    ...(settings.keepEveryMs === undefined ? {} : { everyMs: settings.keepEveryMs }),
    ...(settings.prunedKnownMs === undefined ? {} : { prunedKnownMs: settings.prunedKnownMs }),
    onKept: (kept) => onEvent({ type: 'memories-kept', ...kept }),
  });
  const recoverOnce = async (partition: number, from: number): Promise<number> => {
    let ended = 0;
    const wants = ({ agent }: { readonly agent: string }): boolean => policies.has(agent);
    await readEnded({ kafka, codec, localTenant }, { partition, from, wants }, async (each) => {
      ended += 1;
      const policy = policies.get(each.agent);
      const { tenant, agent, sessionId, place } = each;
      const undone = ledger.isCut(place, { tenant, agent, sessionId });
      if (policy && !undone) await memory.remember({ ...each, policy });
    });
    return ended;
  };
  let stopped = false;
  return {
    memory,
    recover: async (partition, from) => {
      for (let tried = 1; ; tried += 1) {
        try {
          return await recoverOnce(partition, from);
        } catch (error) {
          if (stopped) return 0;
          onTrouble(toError(error));
          if (tried === RECOVER_TRIES) {
            // What it did not come to is read with the whole session then.
            await sessions.incomplete(partition).catch(onTrouble);
            throw error;
          }
          await sleep(tried * RECOVER_PAUSE_MS, undefined, { ref: false });
        }
      }
    },
    sessions,
    ledger,
    keep,
    stop: async () => {
      stopped = true;
      await keep.stop();
      await memory.settled();
      await feedback.close();
      await followed.close();
      await sessions.close();
    },
  };
};
