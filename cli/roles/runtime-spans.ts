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
import {
  CONVENTIONAL,
  OPERATIONS,
  OWN,
  providerNameOf,
  recordAttributes,
} from '../../connectors/telemetry/semantic-conventions.ts';
import type { Span, SpanAttribute, SpanKind } from '../../connectors/telemetry/span.ts';
import { AGENTS_GROUP } from '../../schemas/groups.ts';
import { handOverContextOf, stepContextOf } from '../../schemas/task-trace.ts';
import { TOPICS } from '../../schemas/topics.ts';

/** Filled field by field: spreading several into one was half of what a span cost. */
type Attributes = Record<string, SpanAttribute>;

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

const addRun = (to: Attributes, { identity, epoch }: RunOfEvent): void => {
  to[OWN.executionId] = identity.executionId;
  to[OWN.epoch] = epoch;
  to[OWN.worker] = identity.worker;
};

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
        [OWN.executionId]: identity.executionId,
        [OWN.epoch]: run.epoch,
        [OWN.worker]: identity.worker,
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
  const attributes: Attributes = {};
  addKind(attributes, event);
  if (seen) addSeen(attributes, seen);
  addRun(attributes, run);
  attributes[OWN.step] = step;
  attributes[OWN.stepKind] = kind;
  attributes[OWN.outsideMs] = event.durationMicros / 1_000;
  if (event.costUsd !== '0') attributes[OWN.costUsd] = event.costUsd;
  const named = namesOf(event);
  return {
    name: named.name,
    kind: named.kind,
    traceId: trace.traceId,
    spanId,
    parentSpanId: trace.executionSpanId,
    startedAt: at,
    endedAt: at + event.durationMicros + event.overheadMicros,
    attributes,
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

const addKind = (to: Attributes, { kind, of, inputTokens, outputTokens }: StepEnded): void => {
  switch (kind) {
    case 'model':
      to[CONVENTIONAL.operation] = OPERATIONS.chat;
      to[CONVENTIONAL.requestModel] = of;
      to[CONVENTIONAL.inputTokens] = inputTokens;
      to[CONVENTIONAL.outputTokens] = outputTokens;
      return;
    case 'tool':
    case 'delegate':
    case 'refuse-tool':
      to[CONVENTIONAL.operation] = OPERATIONS.executeTool;
      to[CONVENTIONAL.toolName] = of;
      to[CONVENTIONAL.toolType] = 'function';
      return;
    case 'retrieve':
    case 'recall':
      to[CONVENTIONAL.operation] = OPERATIONS.retrieval;
      to[CONVENTIONAL.dataSource] = kind === 'recall' ? 'memories' : 'documents';
      return;
    case 'plan':
    case 'ask-approval':
    case 'refuse-output':
      return;
    default:
      kind satisfies never;
  }
};

const addSeen = (to: Attributes, seen: StepSeen): void => {
  switch (seen.of) {
    case 'model':
      to[CONVENTIONAL.provider] = providerNameOf(seen.provider);
      to[CONVENTIONAL.requestMaxTokens] = seen.maxOutputTokens;
      to[CONVENTIONAL.cachedInputTokens] = seen.cachedInputTokens;
      if (seen.finishReason !== null) to[CONVENTIONAL.finishReasons] = [seen.finishReason];
      return;
    case 'tool':
      to[CONVENTIONAL.toolCallId] = seen.callId;
      to[OWN.via] = seen.via;
      to[OWN.attempts] = seen.attempts;
      return;
    case 'delegate':
      to[CONVENTIONAL.toolCallId] = seen.callId;
      to[OWN.subtaskId] = seen.subtaskId;
      to[OWN.subtaskAgent] = seen.agent;
      return;
    case 'retrieval':
      to[OWN.topK] = seen.topK;
      to[OWN.chunks] = seen.chunks;
      if (seen.stalenessMs !== null) to[OWN.stalenessMs] = seen.stalenessMs;
      if (seen.fresh !== null) to[OWN.fresh] = seen.fresh;
      return;
    default:
      seen satisfies never;
  }
};
