/**
 * Spans of the runtime's events: one for a task that was taken and one for its execution, both at its end, and one for each step.
 * Pure. They carry names, counts, times and ids, and nothing of what was asked, retrieved or answered.
 */
import type {
  ExecutionEnded,
  RunOfEvent,
  RuntimeEvent,
  StepEnded,
  StepSeen,
} from '../../agents/runtime/runtime-event.ts';
import { AGENTS_GROUP } from '../../agents/runtime/task-worker.ts';
import {
  CONVENTIONAL,
  OPERATIONS,
  OWN,
  providerNameOf,
  recordAttributes,
} from '../../connectors/telemetry/semantic-conventions.ts';
import type { Span, SpanAttribute, SpanKind } from '../../connectors/telemetry/span.ts';
import { handOverContextOf, stepContextOf } from '../../schemas/task-trace.ts';
import { TOPICS } from '../../schemas/topics.ts';

type Attributes = Readonly<Record<string, SpanAttribute>>;

/** None for an event that is no span's, and for a trace that is not sampled. */
export const spansOfRuntimeEvent = (event: RuntimeEvent): readonly Span[] => {
  switch (event.name) {
    case 'step-ended':
      return event.run.trace.sampled ? [spanOfStep(event)] : [];
    case 'execution-ended':
      return event.run.trace.sampled ? spansOfExecution(event) : [];
    // Of an execution that is left, its next holder tells.
    case 'execution-started':
    case 'execution-left':
    case 'task-dead-lettered':
      return [];
    default:
      return event satisfies never;
  }
};

const attributesOfRun = ({ identity, epoch }: RunOfEvent): Attributes => ({
  [OWN.executionId]: identity.executionId,
  [OWN.epoch]: epoch,
  [OWN.worker]: identity.worker,
});

const spansOfExecution = (event: ExecutionEnded): readonly Span[] => {
  const { run, agent, task, startedAt, endedAt } = event;
  const { identity, trace } = run;
  const { tenant, sessionId } = identity;
  const failure = event.outcome === 'completed' ? null : (event.code ?? event.outcome);
  const common = { traceId: trace.traceId, startedAt, endedAt, failure };
  return [
    {
      ...common,
      ...{ name: `process ${TOPICS.tasks.name}`, kind: 'consumer' },
      ...{ spanId: trace.taskSpanId, parentSpanId: trace.parentSpanId },
      attributes: {
        ...recordAttributes('process', task),
        [CONVENTIONAL.consumerGroup]: AGENTS_GROUP,
        [CONVENTIONAL.messageId]: identity.taskId,
        [OWN.taskId]: identity.taskId,
      },
    },
    {
      ...common,
      ...{ name: `${OPERATIONS.invokeAgent} ${agent}`, kind: 'internal' },
      ...{ spanId: trace.executionSpanId, parentSpanId: trace.taskSpanId },
      attributes: {
        [CONVENTIONAL.operation]: OPERATIONS.invokeAgent,
        [CONVENTIONAL.agentName]: agent,
        [CONVENTIONAL.agentVersion]: identity.behaviour,
        ...(sessionId === null ? {} : { [CONVENTIONAL.conversation]: sessionId }),
        ...attributesOfRun(run),
        [OWN.taskId]: identity.taskId,
        ...(tenant === null ? {} : { [OWN.tenant]: tenant }),
        [OWN.outcome]: event.outcome,
        [OWN.steps]: event.steps,
      },
    },
  ];
};

const spanOfStep = (event: StepEnded): Span => {
  const { run, step, at, kind, seen } = event;
  const { identity, epoch, trace } = run;
  const { spanId } =
    seen?.of === 'delegate'
      ? handOverContextOf(trace, seen.subtaskId)
      : stepContextOf(trace, identity.executionId, epoch, step);
  return {
    ...namesOf(event),
    ...{ traceId: trace.traceId, spanId, parentSpanId: trace.executionSpanId },
    ...{ startedAt: at, endedAt: at + event.durationMicros + event.overheadMicros },
    attributes: {
      ...attributesOfKind(event),
      ...(seen ? attributesOfSeen(seen) : {}),
      ...attributesOfRun(run),
      [OWN.step]: step,
      [OWN.stepKind]: kind,
      [OWN.outsideMs]: event.durationMicros / 1_000,
      ...(event.costUsd === '0' ? {} : { [OWN.costUsd]: event.costUsd }),
    },
    failure: event.outcome === 'failed' ? (event.failure ?? 'internal') : null,
  };
};

const namesOf = ({ kind, of }: StepEnded): { readonly name: string; readonly kind: SpanKind } => {
  switch (kind) {
    case 'model':
      return { name: `${OPERATIONS.chat} ${of}`, kind: 'client' };
    case 'tool':
    case 'refuse-tool':
      return { name: `${OPERATIONS.executeTool} ${of}`, kind: 'internal' };
    case 'delegate':
      return { name: `${OPERATIONS.executeTool} ${of}`, kind: 'producer' };
    case 'retrieve':
      return { name: `${OPERATIONS.retrieval} documents`, kind: 'client' };
    case 'recall':
      return { name: `${OPERATIONS.retrieval} memories`, kind: 'client' };
    case 'plan':
      return { name: 'plan', kind: 'internal' };
    case 'ask-approval':
      return { name: `ask_approval ${of}`, kind: 'internal' };
    case 'refuse-output':
      return { name: 'refuse_output', kind: 'internal' };
    default:
      return kind satisfies never;
  }
};

const attributesOfKind = ({ kind, of, inputTokens, outputTokens }: StepEnded): Attributes => {
  switch (kind) {
    case 'model':
      return {
        [CONVENTIONAL.operation]: OPERATIONS.chat,
        [CONVENTIONAL.requestModel]: of,
        [CONVENTIONAL.inputTokens]: inputTokens,
        [CONVENTIONAL.outputTokens]: outputTokens,
      };
    case 'tool':
    case 'delegate':
    case 'refuse-tool':
      return {
        [CONVENTIONAL.operation]: OPERATIONS.executeTool,
        [CONVENTIONAL.toolName]: of,
        [CONVENTIONAL.toolType]: 'function',
      };
    case 'retrieve':
    case 'recall':
      return {
        [CONVENTIONAL.operation]: OPERATIONS.retrieval,
        [CONVENTIONAL.dataSource]: kind === 'recall' ? 'memories' : 'documents',
      };
    case 'plan':
    case 'ask-approval':
    case 'refuse-output':
      return {};
    default:
      return kind satisfies never;
  }
};

const attributesOfSeen = (seen: StepSeen): Attributes => {
  switch (seen.of) {
    case 'model':
      return {
        [CONVENTIONAL.provider]: providerNameOf(seen.provider),
        [CONVENTIONAL.requestMaxTokens]: seen.maxOutputTokens,
        [CONVENTIONAL.cachedInputTokens]: seen.cachedInputTokens,
        ...(seen.finishReason === null ? {} : { [CONVENTIONAL.finishReasons]: [seen.finishReason] }),
      };
    case 'tool':
      return {
        [CONVENTIONAL.toolCallId]: seen.callId,
        [OWN.via]: seen.via,
        [OWN.attempts]: seen.attempts,
      };
    case 'delegate':
      return {
        [CONVENTIONAL.toolCallId]: seen.callId,
        [OWN.subtaskId]: seen.subtaskId,
        [OWN.subtaskAgent]: seen.agent,
      };
    case 'retrieval':
      return {
        [OWN.topK]: seen.topK,
        [OWN.chunks]: seen.chunks,
        ...(seen.stalenessMs === null ? {} : { [OWN.stalenessMs]: seen.stalenessMs }),
        ...(seen.fresh === null ? {} : { [OWN.fresh]: seen.fresh }),
      };
    default:
      return seen satisfies never;
  }
};
