/** Memory on servers of its own: the journal, Redis, the pipeline and an index, so that what is remembered is found as documents are. */
import { randomUUID } from 'node:crypto';
import {
  type MemoryEvent,
  type OpenAgentMemorySettings,
  type OpenedAgentMemory,
  openAgentMemory,
} from '../../../agents/memory/open-agent-memory.ts';
import { INITIAL_STATE } from '../../../agents/runtime/execution-state.ts';
import { snapshotDraftOf } from '../../../agents/runtime/snapshot.ts';
import { createKafkaJsClient } from '../../../connectors/kafka/kafkajs-client.ts';
import { partitionOfKey } from '../../../connectors/kafka/partition-of-key.ts';
import { openRecordWriter } from '../../../connectors/kafka/record-writer.ts';
import { createExtractiveModel } from '../../../connectors/models/language/extractive-model.ts';
import { openRecordCodec } from '../../../connectors/registry/record-codec.ts';
import { openSchemaRegistry } from '../../../connectors/registry/schema-registry.ts';
import type { AgentDefinition } from '../../../schemas/agent-definition.ts';
import { systemClock } from '../../../schemas/clock.ts';
import { defineConfig } from '../../../schemas/config.ts';
import type { MemoryPolicy } from '../../../schemas/memory-policy.ts';
import type { AgentEvent } from '../../../schemas/records.ts';
import type { Retriever } from '../../../schemas/search.ts';
import { executionIdOf } from '../../../schemas/task-identity.ts';
import { PARTITIONS, TOPICS } from '../../../schemas/topics.ts';
import { eventOf } from '../../support/event-of.ts';
import type { TestStack } from '../../support/own-stack.ts';
import { startIndex, startPipeline, temporaryFolder } from '../../support/plane-roles.ts';

export interface JournaledExecution {
  readonly sessionId: string | null;
  readonly question: string;
  readonly answer: string;
  readonly agent?: string;
  readonly tenant?: string;
  readonly tool?: { readonly name: string; readonly input: string };
  readonly at?: number;
  /** Before it is answered. `snapshot`: it is journaled whole then, and its beginning is in the log no more. */
  readonly waits?: { readonly until: Promise<unknown>; readonly snapshot: boolean };
}

export interface OpenedOtherwise
  extends Partial<Pick<OpenAgentMemorySettings, 'models' | 'guards' | 'control' | 'retriever'>> {
  readonly owned?: readonly number[];
  /** What an agent has beside its memory. */
  readonly agents?: Readonly<Record<string, Pick<AgentDefinition, 'models' | 'safety'>>>;
}

export type MemoryPlane = Awaited<ReturnType<typeof openMemoryPlane>>;

/** Without an index: what asks for one is told that it does not answer. */
export const openMemoryPlane = async (
  stack: Pick<TestStack, 'kafka' | 'schemaRegistry' | 'redis'>,
  policies: ReadonlyMap<string, MemoryPolicy>,
  withIndex: boolean,
) => {
  const kafka = await createKafkaJsClient({ brokers: [stack.kafka], clientId: 'memory-test' });
  await kafka.admin.createTopics(Object.values(TOPICS));
  const registry = openSchemaRegistry(`${stack.schemaRegistry}/apis/ccompat/v7`);
  const codec = await openRecordCodec(registry);
  const writer = openRecordWriter(kafka);
  const folder = await temporaryFolder();
  const config = defineConfig({ sources: {}, agents: [] });
  const plane = { kafka, codec, writer, registry, config, url: '', source: 'none' };
  const pipeline = withIndex ? await startPipeline(plane, folder.path) : undefined;
  const index = withIndex
    ? await startIndex(plane, folder.path, `index-${randomUUID().slice(0, 8)}`)
    : undefined;
  const events: MemoryEvent[] = [];
  const retriever: Retriever = index ?? {
    search: () => Promise.reject(new Error('there is no index here')),
  };
  const open = (over: OpenedOtherwise = {}): Promise<OpenedAgentMemory> =>
    openAgentMemory({
      ...{ kafka, codec, writer, redis: stack.redis },
      retriever: over.retriever ?? retriever,
      models: over.models ?? [createExtractiveModel()],
      ...(over.guards ? { guards: over.guards } : {}),
      ...(over.control ? { control: over.control } : {}),
      agents: [...policies].map(([name, memory]) => ({ name, memory, ...over.agents?.[name] })),
      localTenant: 'acme',
      owned: () => over.owned ?? Array.from({ length: PARTITIONS }, (_, at) => at),
      clock: systemClock,
      // Turns of the work are asked for.
      keepEveryMs: 3_600_000,
      onEvent: (event) => events.push(event),
    });

  const partitionOf = (sessionId: string): number => partitionOfKey(Buffer.from(sessionId), PARTITIONS);

  return {
    ...{ kafka, codec, writer, config, events, index, pipeline, open, partitionOf },
    /** An execution as the runtime journals it, and as it hands it to `remember`. */
    journal: async (of: JournaledExecution) => {
      const {
        sessionId,
        question,
        answer,
        agent = 'support',
        tenant = 'acme',
        tool,
        waits,
        at = systemClock(),
      } = of;
      const taskId = `task-${randomUUID()}`;
      const executionId = executionIdOf(taskId);
      const partition = partitionOf(sessionId ?? taskId);
      let sequence = -1;
      const record = (event: Partial<AgentEvent> & Pick<AgentEvent, 'type'>) => {
        if (event.type !== 'user-input') sequence += 1;
        const own = { taskId, executionId, agent, tenant, sessionId, at, sequence, worker: 'w', epoch: 1 };
        return {
          topic: TOPICS.agentEvents.name,
          partition,
          key: taskId,
          value: codec.encode('AgentEvent', eventOf({ ...own, ...event })),
        };
      };
      const input = { text: question, principal: null, feature: null, budget: null, createdAt: at };
      const begun = [
        record({ type: 'user-input', epoch: 0, sequence: 0, input: JSON.stringify(input) }),
        record({ type: 'claim' }),
      ];
      if (waits?.snapshot) {
        const [end] = (await kafka.admin.offsets(TOPICS.agentEvents.name)).filter(
          (each) => each.partition === partition,
        );
        const order = { epoch: 1, worker: 'w', sequence, hasInput: true, ended: false };
        const task = { topic: TOPICS.tasks.name, partition, offset: 0 };
        const draft = snapshotDraftOf(
          { ...task, timestamp: 0, key: null, value: null, headers: {} },
          end?.latest ?? 0,
          { ...INITIAL_STATE, order, input },
        );
        await writer.append([record({ ...draft, type: 'checkpoint' })]);
      } else if (waits) await writer.append(begun);
      await waits?.until;
      const places = await writer.append([
        ...(waits ? [] : begun),
        ...(tool ? [record({ type: 'tool-call', name: tool.name, input: tool.input, output: '{}' })] : []),
        record({
          ...{ type: 'response', name: 'completed', at: waits ? systemClock() : at },
          output: JSON.stringify({
            ...{ outcome: 'completed', output: { text: answer, citations: [] }, partial: null },
            ...{ receipt: {}, steps: 1, startedAt: at },
          }),
        }),
      ]);
      const offset = places.at(-1)?.offset ?? 0;
      return {
        taskId,
        ended: {
          ...{ executionId, agent, tenant, sessionId, question, answer, at },
          place: { topic: TOPICS.agentEvents.name, partition, offset },
          outcome: 'completed' as const,
          tools: tool ? [{ ...tool, worked: true }] : [],
          ...{ retrieved: false, recalled: 'user' as const, feedback: null },
        },
      };
    },
    close: async () => {
      await pipeline?.stop();
      await index?.stop();
      await writer.close();
      await kafka.close();
      await folder.remove();
    },
  };
};
