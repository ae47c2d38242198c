/** Acts on one decision and journals it: intent before what spends or changes something outside, outcome after it. */
import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import { APPROVAL_ASKED } from '../../schemas/approval-request.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { memoryPolicyOf } from '../../schemas/memory-policy.ts';
import type { SearchResponse } from '../../schemas/search.ts';
import { askModel } from './ask-model.ts';
import { type Decided, inputHashOf, type Performed } from './decision.ts';
import { delegate } from './hand-over.ts';
import type { StepSeen } from './runtime-event.ts';
import { callRetriever } from './step-calls.ts';
import {
  callLimitMs,
  errorOf,
  failureOutput,
  NOTHING_SPENT,
  type StepResult,
  type StepScope,
  tenantOf,
  throwIfStopped,
  traceparentOfStep,
} from './step-scope.ts';
import { readWithTool, writeWithTool } from './use-tool.ts';

export const performStep = (decision: Performed, scope: StepScope): Promise<StepResult> => {
  switch (decision.kind) {
    case 'retrieve':
      return retrieve(decision, scope);
    case 'recall':
      return recall(decision, scope);
    case 'model':
      return askModel(decision, scope);
    case 'plan':
      return keepPlan(decision, scope);
    case 'tool':
      return decision.effect === 'write' ? writeWithTool(decision, scope) : readWithTool(decision, scope);
    case 'delegate':
      return delegate(decision, scope);
    case 'ask-approval':
      return askApproval(decision, scope);
    case 'refuse-tool':
    case 'refuse-output':
      return refuse(decision, scope);
    default:
      return decision satisfies never;
  }
};

const retrieve = async (decision: Decided<'retrieve'>, scope: StepScope): Promise<StepResult> => {
  const { services, journal, at } = scope;
  const call = { limitMs: callLimitMs(scope), signal: scope.calling };
  const traceparent = traceparentOfStep(scope, decision.step);
  const request = { ...decision.input, tenant: tenantOf(scope), traceparent };
  const { output, failure, durationMicros } = await callRetriever(services.retriever, request, call);
  throwIfStopped(scope);
  const { step, name } = decision;
  const draft = {
    ...{ step, at, name, durationMicros },
    input: JSON.stringify(decision.input),
    inputHash: inputHashOf(decision),
  };
  // A failure is no step of the context: it is retried, and the error stands for it.
  journal.writeBehind(
    failure
      ? { ...draft, type: 'error', error: errorOf(failure), output: failureOutput(failure) }
      : { ...draft, type: 'tool-call', output: JSON.stringify(output) },
  );
  const told = { ...NOTHING_SPENT, outsideMicros: durationMicros };
  if (failure) return { ...told, succeeded: false, failure: failure.code };
  return { ...told, succeeded: true, seen: seenOf(decision, output) };
};

const seenOf = ({ input }: Decided<'retrieve'>, output: JsonValue): StepSeen => {
  const { hits, receipt } = output as unknown as Partial<SearchResponse>;
  const { stalenessMs = null, fresh = null } = receipt ?? {};
  return { of: 'retrieval', topK: input.topK, chunks: hits?.length ?? 0, stalenessMs, fresh };
};

const recall = async (decision: Decided<'recall'>, scope: StepScope): Promise<StepResult> => {
  const { journal, services, run, at } = scope;
  const { step, name, input } = decision;
  const began = performance.now();
  const ask = {
    ...input,
    agent: run.identity.agent,
    tenant: tenantOf(scope),
    policy: memoryPolicyOf(run.agent?.memory ?? {}),
    partition: run.task.partition,
  };
  const recollection = await services.memory.recall(ask, scope.calling);
  throwIfStopped(scope);
  const durationMicros = Math.round((performance.now() - began) * 1_000);
  journal.writeBehind({
    ...{ type: 'memory-update', step, at, name, durationMicros },
    input: JSON.stringify(input),
    inputHash: inputHashOf(decision),
    // Cut off by a stop, it found nothing out: a fork of this recalls for itself.
    output: scope.calling.aborted ? null : JSON.stringify(recollection),
  });
  return { ...NOTHING_SPENT, succeeded: true, outsideMicros: durationMicros };
};

const keepPlan = async (decision: Decided<'plan'>, { journal, at }: StepScope): Promise<StepResult> => {
  const { step, name, input } = decision;
  journal.writeBehind({
    ...{ type: 'checkpoint', step, at, name },
    inputHash: inputHashOf(decision),
    output: JSON.stringify(input),
  });
  return { ...NOTHING_SPENT, succeeded: true, outsideMicros: 0 };
};

const askApproval = async (
  decision: Decided<'ask-approval'>,
  { journal, at }: StepScope,
): Promise<StepResult> => {
  const { step, name: tool, input, until } = decision;
  const argumentsHash = hashOf(input);
  // A barrier: what a person is shown stands in the log.
  await journal.write({
    ...{ type: 'checkpoint', step, at, name: APPROVAL_ASKED },
    input: JSON.stringify(input),
    inputHash: inputHashOf(decision),
    output: JSON.stringify({ tool, argumentsHash, until }),
  });
  return { ...NOTHING_SPENT, succeeded: true, outsideMicros: 0 };
};

const refuse = async (
  decision: Decided<'refuse-tool' | 'refuse-output'>,
  { journal, at }: StepScope,
): Promise<StepResult> => {
  const { step, name, input, error } = decision;
  journal.writeBehind({
    ...{ type: 'error', step, at, name },
    input: JSON.stringify(input),
    inputHash: inputHashOf(decision),
    error: { ...error, retryable: false },
  });
  return { ...NOTHING_SPENT, succeeded: false, outsideMicros: 0, failure: error.code };
};
