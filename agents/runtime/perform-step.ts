/** Acts on one decision and journals it: intent before what spends or changes something outside, outcome after it. */
import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { formatUsd, priceOf } from '../../schemas/money.ts';
import { freshnessOf } from '../../schemas/search.ts';
import { inputHashOf, type StepDecision } from './decision.ts';
import type { EventDraft, ExecutionJournal } from './execution-journal.ts';
import type { ExecutionToRun, RunServices } from './run-execution.ts';
import { type CallFailure, callModel, callRetriever, callTool } from './step-calls.ts';
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
  /** When the decision was taken, microseconds since the Unix epoch. */
  readonly at: number;
}

type Of<Kind extends StepDecision['kind']> = Extract<StepDecision, { readonly kind: Kind }>;

export const performStep = (
  decision: Of<'retrieve' | 'model' | 'tool' | 'refuse-tool'>,
  scope: StepScope,
): Promise<StepResult> => {
  switch (decision.kind) {
    case 'retrieve':
      return retrieve(decision, scope);
    case 'model':
      return askModel(decision, scope);
    case 'tool':
      return decision.effect === 'write' ? writeWithTool(decision, scope) : readWithTool(decision, scope);
    case 'refuse-tool':
      return refuseTool(decision, scope);
    default:
      return decision satisfies never;
  }
};

const NOTHING_SPENT = { inputTokens: 0, outputTokens: 0, costUsd: '0' } as const;

/** A call that the wall time ends must end past it, so that the next decision sees so. */
const WALL_MARGIN_MS = 10;

/** What is left of the execution's wall time, milliseconds. */
const timeLeft = ({ journal, at }: StepScope): number => {
  const { startedAt, terms } = journal.state();
  return terms ? terms.limits.maxMs - (at - startedAt) / 1_000 + WALL_MARGIN_MS : 0;
};

/** An outcome that came while the worker was being stopped says nothing: its journal is another's by now. */
const throwIfStopped = ({ run }: StepScope): void => {
  if (run.signal.aborted) throw new FreshetError('unavailable', 'the worker stopped');
};

const errorOf = ({ code, message, retryable }: CallFailure) => ({ code, message, retryable });

const retrieve = async (decision: Of<'retrieve'>, scope: StepScope): Promise<StepResult> => {
  const { run, services, journal, at } = scope;
  const tenant = run.identity.tenant ?? services.localTenant;
  const call = { limitMs: timeLeft(scope), signal: run.signal };
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
  const { output, failure, durationMicros } = await runTool(decision, scope);
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

const refuseTool = async (decision: Of<'refuse-tool'>, { journal, at }: StepScope): Promise<StepResult> => {
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
  const { run, services, journal, chunks, at } = scope;
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
    signal: run.signal,
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
      signal: run.signal,
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
