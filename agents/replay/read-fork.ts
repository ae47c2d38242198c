/** What a worker needs of the origin when it claims a fork: what to take over, and what to undo first. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { TaskFork } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type Compensation, compensationsOf } from './compensations.ts';
import { type Fork, forkedEvents } from './fork-events.ts';
import { readRecordedExecution } from './recorded-execution.ts';

export interface ForkToBegin {
  readonly fork: Fork;
  /** In the order to undo them; none where the task asks for none. */
  readonly compensations: readonly Compensation[];
}

/**
 * Errors: `request-invalid` (no such step; or the origin is of another agent or tenant: whoever can write a task must not
 * read by it what another tenant's execution knew, I9), `not-found` (it is no longer kept), and what passes:
 * `kafka-unavailable`, `registry-unavailable`.
 */
export const readFork = async (settings: {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly place: TaskFork;
  /** The new execution. */
  readonly executionId: string;
  readonly tenant: string | null;
  readonly agent: AgentDefinition;
}): Promise<ForkToBegin> => {
  const { kafka, codec, place, executionId, tenant, agent } = settings;
  const { partition, offset, step } = place;
  const at = { topic: TOPICS.agentEvents.name, partition, offset };
  const events = await readRecordedExecution(kafka, codec, at);
  const fork = forkedEvents(events, step, executionId);
  if (fork.agent !== agent.name || fork.tenant !== tenant)
    throw new FreshetError(
      'request-invalid',
      `${fork.origin} is of another agent or tenant: it cannot be forked`,
    );
  return { fork, compensations: place.compensate ? compensationsOf(events, step, agent) : [] };
};
