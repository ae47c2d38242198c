/** Acts on one decision and journals it: intent before what spends or changes something outside, outcome after it. */
import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { DELEGATED } from '../../schemas/execution-costs.ts';
import { formatUsd, priceOf } from '../../schemas/money.ts';
import { freshnessOf } from '../../schemas/search.ts';
import { wrongOf } from './checked-value.ts';
import { inputHashOf, type StepDecision } from './decision.ts';
import type { EventDraft, ExecutionJournal } from './execution-journal.ts';
import type { Subtask } from './execution-state.ts';
import type { ApprovalAsked } from './fold-events.ts';
import type { ExecutionToRun, RunServices } from './run-execution.ts';
import { type CallFailure, type CallOutcome, callModel, callRetriever, callTool } from './step-calls.ts';
import { subtaskIdOf, subtaskOf } from './subtasks.ts';
import type { TaskChunks } from './task-chunks.ts';

export interface StepResult {
  readonly succeeded: boolean;
  /** In the model, the tool or the retriever. */
  readonly outsideMicros: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: string;
}

export interface StepScope {
  readonly run: ExecutionToRun;
  readonly services: RunServices;
  readonly journal: ExecutionJournal;
  readonly chunks: TaskChunks;
  /** Ends what is under way: the worker is stopped, or the execution is. */
  readonly calling: AbortSignal;
  /** Reads of the same reply that were begun together with the first of them, by call id. */
  readonly begun: Map<string, Promise<CallOutcome<JsonValue>>>;
  /** When the decision was taken, microseconds since the Unix epoch. */
  readonly at: number;
}

type Of<Kind extends StepDecision['kind']> = Extract<StepDecision, { readonly kind: Kind }>;

export type Performed = Of<
  | 'retrieve'
  | 'recall'
  | 'model'
  | 'plan'
  | 'tool'
  | 'delegate'
  | 'ask-approval'
  | 'refuse-tool'
  | 'refuse-output'
>;

export const performStep = (decision: Performed, scope: StepScope): Promise<StepResult> => {
  switch (decision.kind) {
    case 'retrieve':
      return retrieve(decision, scope);
    case 'model':
      return askModel(decision, scope);
    case 'tool':
      return decision.effect === 'write' ? writeWithTool(decision, scope) : readWithTool(decision, scope);
    case 'recall':
      return recall(decision, scope);
    case 'plan':
      return keepPlan(decision, scope);
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

const NOTHING_SPENT = { inputTokens: 0, outputTokens: 0, costUsd: '0' } as const;

/** A call that the wall time ends must end past it, so that the next decision sees so. */
const WALL_MARGIN_MS = 10;

/** What is left of the execution's wall time, milliseconds. */
const timeLeft = ({ journal, at }: StepScope): number => {
  const { startedAt, heldMicros, terms, input } = journal.state();
  const deadline = input?.deadlineAt ?? Number.POSITIVE_INFINITY;
  const left = terms ? terms.limits.maxMs - (at - startedAt - heldMicros) / 1_000 : 0;
  return Math.min(left, (deadline - at) / 1_000) + WALL_MARGIN_MS;
};

/** An outcome that came while the worker was being stopped says nothing: its journal is another's by now. */
const throwIfStopped = ({ run }: StepScope): void => {
  if (run.signal.aborted) throw new FreshetError('unavailable', 'the worker stopped');
};

const errorOf = ({ code, message, retryable }: CallFailure) => ({ code, message, retryable });

const retrieve = async (decision: Of<'retrieve'>, scope: StepScope): Promise<StepResult> => {
  const { run, services, journal, at } = scope;
  const tenant = run.identity.tenant ?? services.localTenant;
  const call = { limitMs: timeLeft(scope), signal: scope.calling };
  const { output, failure, durationMicros } = await callRetriever(
    services.retriever,
    { ...decision.input, tenant },
    call,
  );
  throwIfStopped(scope);
  const draft = outcomeDraft(decision, at, durationMicros, output, failure);
  // A failure is no step of the context: it is retried, and the error stands for it.
  journal.writeBehind(
    failure
      ? { ...draft, type: 'error', output: JSON.stringify({ retryAfterMs: failure.retryAfterMs }) }
      : draft,
  );
  return { succeeded: failure === null, outsideMicros: durationMicros, ...NOTHING_SPENT };
};

const readWithTool = async (decision: Of<'tool'>, scope: StepScope): Promise<StepResult> => {
  beginReadsBeside(decision, scope);
  const { output, failure, durationMicros } = await (scope.begun.get(decision.callId) ??
    runTool(decision, scope));
  scope.begun.delete(decision.callId);
  throwIfStopped(scope);
  scope.journal.writeBehind(outcomeDraft(decision, scope.at, durationMicros, output, failure));
  return { succeeded: failure === null, outsideMicros: durationMicros, ...NOTHING_SPENT };
};

const writeWithTool = async (decision: Of<'tool'>, scope: StepScope): Promise<StepResult> => {
  const { journal, at } = scope;
  const idempotencyKey = keyOf(decision, scope);
  const { step, name } = decision;
  const input = JSON.stringify(decision.input);
  await journal.write({
    type: 'intent',
    step,
    at,
    name,
    input,
    inputHash: inputHashOf(decision),
    idempotencyKey,
  });
  throwIfStopped(scope);
  const { output, failure, durationMicros } = await runTool(decision, scope);
  if (failure) throwIfStopped(scope);
  const draft = outcomeDraft(decision, at, durationMicros, output, failure);
  const tool = toolOf(decision, scope);
  const parked = failure?.uncertain === true && !tool.takesIdempotencyKey;
  await journal.write({
    ...draft,
    idempotencyKey,
    ...(parked && failure ? { type: 'error', error: { ...errorOf(failure), code: 'effect-unknown' } } : {}),
  });
  return { succeeded: failure === null, outsideMicros: durationMicros, ...NOTHING_SPENT };
};

/** The reads that follow in the same reply are begun with the first: each stands or fails alone, and they are journaled in order. */
const beginReadsBeside = (first: Of<'tool'>, scope: StepScope): void => {
  const { begun, journal, run } = scope;
  const { phase, countedSteps, terms } = journal.state();
  if (begun.size > 0 || phase.kind !== 'tools') return;
  const places = Math.max(1, (terms?.limits.maxSteps ?? 0) - countedSteps);
  for (const [index, { id, name, arguments: input }] of phase.calls.slice(0, places).entries()) {
    const tool = run.agent?.tools?.find((each) => each.name === name);
    if (tool?.effect !== 'read' || tool.approval || tool.capability !== undefined) return;
    if (wrongOf(tool.arguments, input) !== null) return;
    begun.set(id, runTool({ ...first, name, input, callId: id, step: first.step + index }, scope));
  }
};

const recall = async (decision: Of<'recall'>, scope: StepScope): Promise<StepResult> => {
  const { journal, services, run, at } = scope;
  const { agent, identity } = run;
  const tenant = identity.tenant ?? services.localTenant;
  const began = performance.now();
  const policy = agent?.memory ?? {};
  const output = await services.memory.recall(
    { ...decision.input, agent: identity.agent, tenant, policy, partition: run.task.partition },
    scope.calling,
  );
  throwIfStopped(scope);
  const durationMicros = Math.round((performance.now() - began) * 1_000);
  journal.writeBehind({
    type: 'memory-update',
    step: decision.step,
    at,
    name: decision.name,
    input: JSON.stringify(decision.input),
    inputHash: inputHashOf(decision),
    output: JSON.stringify(output),
    durationMicros,
  });
  return { succeeded: true, outsideMicros: durationMicros, ...NOTHING_SPENT };
};

const keepPlan = async (decision: Of<'plan'>, { journal, at }: StepScope): Promise<StepResult> => {
  journal.writeBehind({
    type: 'checkpoint',
    step: decision.step,
    at,
    name: decision.name,
    inputHash: inputHashOf(decision),
    output: JSON.stringify(decision.input),
  });
  return { succeeded: true, outsideMicros: 0, ...NOTHING_SPENT };
};

const delegate = async (decision: Of<'delegate'>, scope: StepScope): Promise<StepResult> => {
  const { journal, run, at } = scope;
  const { step, name, input, reservedUsd } = decision;
  await journal.write({
    type: 'intent',
    step,
    at,
    name,
    input: JSON.stringify(input),
    inputHash: inputHashOf(decision),
    reservedUsd,
    priceTable: DELEGATED,
    idempotencyKey: subtaskIdOf(run.identity.executionId, step),
  });
  throwIfStopped(scope);
  const subtask = journal.state().subtasks.at(-1);
  if (subtask) await submitSubtask(subtask, run, scope.services, reservedUsd);
  return { succeeded: true, outsideMicros: 0, ...NOTHING_SPENT };
};

/** Again after a takeover: it is the same task. */
export const submitSubtask = async (
  { call, step, taskId }: Subtask,
  { identity, input, task, agent }: ExecutionToRun,
  services: RunServices,
  maxUsd: string,
): Promise<void> => {
  const tool = agent?.tools?.find((each) => each.name === call.name);
  if (!tool?.subtask) throw new FreshetError('internal', `${call.name} hands nothing to another agent`);
  const { input: text } = tool.arguments.parse(call.arguments) as { readonly input: string };
  const tenant = identity.tenant ?? services.localTenant;
  const of = { identity, input, partition: task.partition, tenant, now: services.clock() };
  await services.subtasks.submit(subtaskOf(of, { agent: tool.subtask.agent, step, text, maxUsd }), taskId);
};

const askApproval = async (decision: Of<'ask-approval'>, { journal, at }: StepScope): Promise<StepResult> => {
  const { step, name, input, until } = decision;
  const asked: ApprovalAsked = { tool: name, argumentsHash: hashOf(input), until };
  // A barrier: what a person is shown stands in the log.
  await journal.write({
    type: 'checkpoint',
    step,
    at,
    name: 'approval-asked',
    input: JSON.stringify(input),
    inputHash: inputHashOf(decision),
    output: JSON.stringify(asked),
  });
  return { succeeded: true, outsideMicros: 0, ...NOTHING_SPENT };
};

const refuse = async (
  decision: Of<'refuse-tool' | 'refuse-output'>,
  { journal, at }: StepScope,
): Promise<StepResult> => {
  journal.writeBehind({
    type: 'error',
    step: decision.step,
    at,
    name: decision.name,
    input: JSON.stringify(decision.input),
    inputHash: inputHashOf(decision),
    error: { ...decision.error, retryable: false },
  });
  return { succeeded: false, outsideMicros: 0, ...NOTHING_SPENT };
};

const askModel = async (decision: Of<'model'>, scope: StepScope): Promise<StepResult> => {
  const { services, journal, chunks, at } = scope;
  const { step, name, reservedUsd, priceTable, bounds, input: prompt } = decision;
  const inputHash = inputHashOf(decision);
  // The prompt itself is a function of the journal before it; its hash is enough to hold a replay against.
  const asked = { bounds, maxOutputTokens: prompt.maxOutputTokens, messages: prompt.messages.length };
  await journal.write({
    type: 'intent',
    step,
    at,
    name,
    input: JSON.stringify(asked),
    inputHash,
    reservedUsd,
    priceTable,
  });
  throwIfStopped(scope);
  const model = services.models.find((each) => each.id === name);
  if (!model) throw new FreshetError('internal', `there is no model ${name}`);
  const { output, failure, durationMicros } = await callModel(model, prompt, {
    limitMs: timeLeft(scope),
    signal: scope.calling,
    onChunk: chunks.onModelChunk(step),
  });
  if (failure) {
    throwIfStopped(scope);
    await journal.write({
      type: 'error',
      step,
      name,
      inputHash,
      priceTable,
      error: errorOf(failure),
      output: JSON.stringify({ retryAfterMs: failure.retryAfterMs }),
      durationMicros,
      ...(failure.uncertain ? { reservedUsd } : { costUsd: '0' }),
    });
    return { succeeded: false, outsideMicros: durationMicros, ...NOTHING_SPENT };
  }
  const { inputTokens, outputTokens, cachedInputTokens, reported } = output.usage;
  const costUsd = formatUsd(priceOf({ inputTokens, outputTokens }, model.price));
  const { text, toolCalls, finishReason } = output;
  // Even when stopped meanwhile: the money was spent, and under a stale claim too it counts. Pure steps may go on
  // before it is acknowledged; whatever acts outside has a barrier of its own behind it.
  journal.writeAtOnce({
    type: 'llm-response',
    step,
    name,
    inputHash,
    priceTable,
    costUsd,
    output: JSON.stringify({ text, toolCalls, finishReason, usageReported: reported }),
    usage: { inputTokens, outputTokens, cachedInputTokens },
    durationMicros,
  });
  return { succeeded: true, outsideMicros: durationMicros, inputTokens, outputTokens, costUsd };
};

const toolOf = (decision: Of<'tool'>, { run }: StepScope) => {
  const tool = run.agent?.tools?.find((each) => each.name === decision.name);
  if (!tool) throw new FreshetError('internal', `there is no tool ${decision.name}`);
  return tool;
};

const keyOf = (decision: Of<'tool'>, { run }: StepScope): string =>
  `${run.identity.executionId}:${decision.step}`;

const runTool = (decision: Of<'tool'>, scope: StepScope) => {
  const { run, services } = scope;
  const tenant = run.identity.tenant ?? services.localTenant;
  const freshness = freshnessOf(run.input.freshness);
  return callTool(toolOf(decision, scope), decision.input, {
    limitMs: timeLeft(scope),
    context: {
      tenant,
      taskId: run.identity.taskId,
      executionId: run.identity.executionId,
      idempotencyKey: keyOf(decision, scope),
      // Whatever a model talks a tool into asking for: of this tenant only (I9).
      retriever: {
        search: (request, signal) =>
          services.retriever.search({ ...(freshness ? { freshness } : {}), ...request, tenant }, signal),
      },
      sourceUrls: services.sourceUrls,
      signal: scope.calling,
    },
  });
};

const outcomeDraft = (
  decision: Of<'retrieve' | 'tool'>,
  at: number,
  durationMicros: number,
  output: JsonValue,
  failure: CallFailure | null,
): EventDraft => ({
  type: 'tool-call',
  step: decision.step,
  at,
  name: decision.name,
  input: JSON.stringify(decision.input),
  inputHash: inputHashOf(decision),
  output: failure ? null : JSON.stringify(output),
  error: failure && errorOf(failure),
  durationMicros,
});
