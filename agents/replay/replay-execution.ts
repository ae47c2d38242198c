/** Replays by offset: finds the execution, runs it again on recorded results, says whether every decision is the same. */
import type { KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { PayloadReader } from '../../connectors/payloads/payload-reader.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { findAmong } from './find-behaviour.ts';
import { type JournalPlace, readRecordedExecution } from './recorded-execution.ts';
import { type ReplayedDecision, replayEvents } from './replay-events.ts';

export interface Replay {
  readonly executionId: string;
  readonly taskId: string;
  readonly agent: string;
  readonly tenant: string | null;
  /** Versions that the execution ran under, and the one it was replayed with. */
  readonly behaviour: {
    readonly recorded: readonly string[];
    readonly replayed: string | null;
    readonly same: boolean;
  };
  /** False while the execution still runs: then what there is of it was replayed. */
  readonly ended: boolean;
  readonly decisions: readonly ReplayedDecision[];
  readonly identical: boolean;
  /** Nothing that could call outside is in reach of a replay. */
  readonly outsideCalls: 0;
}

/**
 * Replays the execution that the journal record at `at` belongs to. Changes nothing and calls nothing but Kafka and
 * the registry. Errors: `request-invalid`, `not-found`, `payload-lost`, `kafka-unavailable`, `registry-unavailable`.
 */
export const replayExecution = async (settings: {
  readonly kafka: KafkaClient;
  readonly codec: Pick<RecordCodec, 'decode'>;
  readonly payloads?: Pick<PayloadReader, 'whole'>;
  readonly agents: readonly AgentDefinition[];
  /** Further versions of them, that no worker runs. */
  readonly behaviours?: readonly AgentDefinition[];
  readonly at: JournalPlace;
}): Promise<Replay> => {
  const events = await readRecordedExecution(settings.kafka, settings.codec, settings.at, settings.payloads);
  return replayRecorded(events, settings.agents, settings.behaviours);
};

/** The same over events at hand, in log order from the first on. Throws `not-found` where there are none. */
export const replayRecorded = (
  events: readonly AgentEvent[],
  agents: readonly AgentDefinition[],
  behaviours: readonly AgentDefinition[] = [],
): Replay => {
  const [first] = events;
  if (!first) throw new FreshetError('not-found', 'an execution without events cannot be replayed');
  const findBehaviour = findAmong(agents, behaviours);
  const decisions = replayEvents(events, findBehaviour);
  const recorded = [...new Set(events.map((event) => event.behaviour))];
  const replayed = findBehaviour(first.agent, events.at(-1)?.behaviour ?? '')?.version ?? null;
  return {
    executionId: first.executionId,
    taskId: first.taskId,
    agent: first.agent,
    tenant: first.tenant,
    behaviour: { recorded, replayed, same: recorded.every((version) => version === (replayed ?? '')) },
    ended: events.at(-1)?.type === 'response',
    decisions,
    identical: decisions.length > 0 && decisions.every((decision) => decision.same),
    outsideCalls: 0,
  };
};
