/**
 * Runs one execution under one claim, from wherever its journal stands, to its end or to where it must let go. The
 * decisions are `decide`'s; here they are acted on, with a barrier before every model call and effect (rule J).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LanguageModel } from '../../connectors/models/language/language-model.ts';
import type { AgentDefinition } from '../../schemas/agent-definition.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import type { Clock } from '../../schemas/clock.ts';
import { FreshetError, toFreshetError } from '../../schemas/errors.ts';
import type { EndCode, TerminalOutput, UserInput } from '../../schemas/execution-payloads.ts';
import type { TaskPosition } from '../../schemas/records.ts';
import type { Retriever } from '../../schemas/search.ts';
import { receiptOf } from './answer.ts';
import { type DecisionFacts, decide } from './decide.ts';
import { inputHashOf, type StepDecision } from './decision.ts';
import { type ExecutionJournal, type Identity, openExecutionJournal } from './execution-journal.ts';
import { foldEvents } from './fold-events.ts';
import type { PartitionJournal } from './partition-journal.ts';
import { performStep, type StepResult } from './perform-step.ts';
import { limitsOf, type RunTerms } from './run-terms.ts';
import type { OnRuntimeEvent } from './runtime-event.ts';
import type { TaskChunks } from './task-chunks.ts';

export interface ExecutionToRun {
  readonly identity: Identity;
  readonly input: UserInput;
  readonly task: TaskPosition;
  /** Null where the task names no agent of ours. */
  readonly agent: AgentDefinition | null;
  readonly refusal: DecisionFacts['refusal'];
  /** Above every claim that stands in the log or was tried. */
  readonly epoch: number;
  /** Ends the run at once: the partition is another's, or the grace time is over. */
  readonly signal: AbortSignal;
}

export interface RunServices {
  readonly journal: PartitionJournal;
  /** In order of fallback. */
  readonly models: readonly LanguageModel[];
  readonly retriever: Retriever;
  readonly openChunks: (identity: Identity, epoch: number) => TaskChunks;
  readonly localTenant: string;
  readonly clock: Clock;
  readonly onEvent: OnRuntimeEvent;
}

const MICROS = 1_000;

/**
 * Resolves when the terminal event stands in the log. Errors: `conflict` (another holds it), `append-failed`
 * (the log's end must be read before it is taken up again), `unavailable` (stopped).
 */
export const runExecution = async (run: ExecutionToRun, services: RunServices): Promise<void> => {
  const { agent, identity, signal } = run;
  const { clock, onEvent } = services;
  const journal = await claim(run, services);
  const chunks = services.openChunks(identity, run.epoch);
  chunks.state(journal.state().step, 'processing');
  const facts: DecisionFacts = {
    agent,
    refusal: run.refusal ?? refusalOf(run),
    estimate: (modelId, prompt) => services.models.find((each) => each.id === modelId)?.estimate(prompt),
  };
  for (;;) {
    if (signal.aborted) throw new FreshetError('unavailable', 'the worker stopped');
    const began = performance.now();
    const at = clock();
    const decision = decideOrFail(journal, facts, at);
    switch (decision.kind) {
      case 'nothing':
        throw new FreshetError('internal', `nothing to decide in phase ${journal.state().phase.kind}`);
      case 'wait':
        await sleep(Math.max(1, (decision.until - at) / MICROS), undefined, { signal }).catch(
          () => undefined,
        );
        break;
      case 'respond':
        await respond(run, services, journal, decision, at);
        chunks.state(decision.step, decision.name === 'completed' ? 'completed' : 'failed');
        onEvent({
          name: 'execution-ended',
          agent: identity.agent,
          outcome: decision.name,
          code: decision.input.error?.code ?? null,
          steps: journal.state().countedSteps,
          durationMicros: Math.max(0, clock() - run.input.createdAt),
          overheadMicros: Math.round((performance.now() - began) * MICROS),
        });
        return;
      case 'retrieve':
      case 'model':
      case 'tool':
      case 'refuse-tool': {
        const result = await performStep(decision, { run, services, journal, chunks, at });
        chunks.flush();
        onEvent(stepEnded(identity.agent, decision, result, performance.now() - began));
        break;
      }
      default:
        decision satisfies never;
    }
  }
};

/** Appends the claim, with the task before it and the terms after it where they are new; it holds once it is read back. */
const claim = async (run: ExecutionToRun, services: RunServices): Promise<ExecutionJournal> => {
  const { identity, input, epoch, task } = run;
  const { journal: partition, clock } = services;
  const began = performance.now();
  const known = partition.fold.execution(identity.executionId);
  const state = foldEvents(known?.events ?? []);
  const journal = openExecutionJournal(partition, identity, epoch, state, clock);
  const terms = termsOf(run, services);
  const text = terms && JSON.stringify(terms);
  const isNew =
    text !== null && (state.behaviour !== identity.behaviour || text !== JSON.stringify(state.terms));
  await journal.write(
    ...(known?.order.hasInput
      ? []
      : [{ type: 'user-input', step: 0, input: JSON.stringify(input), task } as const]),
    { type: 'claim', step: state.step },
    ...(isNew
      ? [
          {
            type: 'request',
            step: state.step,
            name: identity.agent,
            input: text,
            inputHash: requestHashOf(identity.agent, identity.behaviour, terms),
          } as const,
        ]
      : []),
  );
  journal.resume(foldEvents(partition.fold.execution(identity.executionId)?.events ?? []));
  services.onEvent({
    name: 'execution-started',
    agent: identity.agent,
    takenOver: state.order.epoch > 0,
    waitedMicros: Math.max(0, clock() - input.createdAt),
    overheadMicros: Math.round((performance.now() - began) * MICROS),
  });
  return journal;
};

/** What a `request` event is known by. */
export const requestHashOf = (agent: string, behaviour: string, terms: RunTerms | null): string =>
  hashOf({ kind: 'request', name: agent, input: { behaviour, limits: terms?.limits ?? null } });

const termsOf = (run: ExecutionToRun, services: RunServices): RunTerms | null => {
  if (!run.agent || run.refusal || refusalOf(run)) return null;
  return {
    limits: limitsOf(run.agent, run.input.budget),
    models: services.models.map(({ id, price }) => ({ id, price: { ...price } })),
  };
};

const refusalOf = ({ agent, input }: ExecutionToRun): DecisionFacts['refusal'] => {
  try {
    if (agent) limitsOf(agent, input.budget);
    return null;
  } catch (error) {
    return { code: 'task-invalid', message: toFreshetError(error).message };
  }
};

/** A decision that throws would be tried for ever: the execution fails instead. */
const decideOrFail = (journal: ExecutionJournal, facts: DecisionFacts, at: number) => {
  try {
    return decide(journal.state(), facts, at);
  } catch (error) {
    const refusal = { code: 'internal' as const, message: toFreshetError(error).message };
    return decide(journal.state(), { ...facts, refusal }, at);
  }
};

const respond = async (
  run: ExecutionToRun,
  services: RunServices,
  journal: ExecutionJournal,
  decision: Extract<StepDecision, { readonly kind: 'respond' }>,
  at: number,
): Promise<void> => {
  const state = journal.state();
  const { output, error, partial } = decision.input;
  const terminal: TerminalOutput = {
    outcome: decision.name,
    output,
    partial,
    receipt: receiptOf(state),
    steps: state.countedSteps,
    startedAt: state.startedAt,
  };
  await journal.write({
    type: 'response',
    step: decision.step,
    at,
    name: decision.name,
    output: JSON.stringify(decision.bounds ? { ...terminal, bounds: decision.bounds } : terminal),
    inputHash: inputHashOf(decision),
    error: error && { code: error.code satisfies EndCode, message: error.message, retryable: false },
    durationMicros: Math.max(0, services.clock() - run.input.createdAt),
  });
};

const stepEnded = (
  agent: string,
  decision: Extract<StepDecision, { readonly kind: 'retrieve' | 'model' | 'tool' | 'refuse-tool' }>,
  result: StepResult,
  tookMs: number,
) => ({
  name: 'step-ended' as const,
  agent,
  kind: decision.kind,
  of: decision.kind === 'refuse-tool' && decision.error.code === 'unknown-tool' ? 'unknown' : decision.name,
  outcome: result.succeeded ? ('succeeded' as const) : ('failed' as const),
  durationMicros: result.outsideMicros,
  overheadMicros: Math.max(0, Math.round(tookMs * MICROS) - result.outsideMicros),
  inputTokens: result.inputTokens,
  outputTokens: result.outputTokens,
  costUsd: result.costUsd,
});
