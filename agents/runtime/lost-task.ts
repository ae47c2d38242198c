/**
 * A task that waited, and whose snapshot cannot be read any more: as much of it as its snapshot's event says by itself, enough
 * for its execution to end as any other whose payload is lost, with a result under its name (decide.ts). Pure.
 */
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { snapshotPlaceOf } from '../../schemas/execution-snapshot.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import type { ReadableTask } from './read-task.ts';

export const lostTask = (
  snapshot: AgentEvent,
  message: string,
): { readonly record: KafkaRecord; readonly read: ReadableTask } | null => {
  const { agent, taskId, executionId, tenant, sessionId, at } = snapshot;
  if (!snapshot.task) return null;
  const parent = snapshotPlaceOf(snapshot)?.parent;
  const unknown = { principal: null, feature: null, budget: null };
  return {
    record: {
      ...snapshot.task,
      ...{ timestamp: Math.floor(at / 1_000), key: Buffer.from(taskId), value: null, headers: {} },
    },
    read: {
      ...{ kind: 'task', taskId, executionId },
      task: {
        ...{ agent, taskId, tenant, sessionId, input: '', createdAt: at, priority: 0, notBefore: null },
        ...{ ...unknown, freshness: null, fork: null, deadlineAt: null, parent: parent ?? null },
      },
      input: { text: '', ...unknown, createdAt: at, ...(parent ? { parent } : {}) },
      refusal: { code: 'payload-lost', message },
    },
  };
};
