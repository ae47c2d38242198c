/**
 * Runs one execution under one claim, from wherever its journal stands, to its end or to where it must let go. The
 * decisions are `decide`'s; here they are acted on, with a barrier before every model call and effect (rule J).
 */
import { modelsFor } from '../../connectors/models/language/models-for.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import { FreshetError, toFreshetError } from '../../schemas/errors.ts';
import { totalUsd } from '../../schemas/execution-costs.ts';
import { ENDING, type EndCode, type TerminalOutput } from '../../schemas/execution-payloads.ts';
import { linkSignals } from '../../schemas/linked-signal.ts';
import { memoryPolicyOf } from '../../schemas/memory-policy.ts';
import { formatUsd } from '../../schemas/money.ts';
import type { AgentEvent } from '../../schemas/records.ts';
import { executionContextOf } from '../../schemas/task-trace.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { traceparentOf } from '../../schemas/trace-context.ts';
import { reachedOf, receiptOf } from './answer.ts';
import { effectsOfOrigin, type ForkBegun, missingDrafts, NO_FORK, readFork } from './begin-fork.ts';
import { wrongInputOf } from './checked-value.ts';
import { type DecisionFacts, decide, lostEffectOf } from './decide.ts';
import { type Decision, inputHashOf, type StepDecision } from './decision.ts';
import { executionEnded, stepEnded } from './ended-events.ts';
import { heed } from './execution-controls.ts';
import {
  type EventDraft,
  type ExecutionJournal,
  eventOf,
  openExecutionJournal,
} from './execution-journal.ts';
import { endedOf } from './execution-memory.ts';
import type { ExecutionToRun, RunServices } from './execution-run.ts';
import { type ExecutionState, INITIAL_STATE } from './execution-state.ts';
import { submitSubtask } from './hand-over.ts';
import { journaledState } from './journaled-state.ts';
import { performStep } from './perform-step.ts';
import { goesBy, limitsOf, RULES, type RunTerms, safetyOf } from './run-terms.ts';
import { type StepScope, stopDraft } from './step-scope.ts';
import { heardOf, nextHeard } from './subtasks.ts';
import { undoEffect } from './undo-effect.ts';
import { eventsOf, waitOutside } from './wait-outside.ts';
import { wholeEvents } from './whole-events.ts';

const MICROS = 1_000;

/**
 * Resolves when the terminal event stands in the log. Errors: `conflict` (another holds it), `append-failed`
 * (the log's end must be read before it is taken up again), `unavailable` (stopped).
 */
export const runExecution = async (run: ExecutionToRun, services: RunServices): Promise<void> => {
  const { agent, identity, signal } = run;
  const { clock, onEvent } = services;
  const refused = run.refusal ?? refusalOf(run);
  // What has failed here before ends as failed: what comes before the first decision is not tried again.
  const fork = run.refusal ? NO_FORK : await readFork(run, services);
  const { journal, lost } = await claim(run, services, fork, refused ? null : termsOf(run, services));
  const chunks = services.openChunks(identity, run.epoch);
  chunks.state(journal.state().step, 'processing');
  const facts: DecisionFacts = {
    agent,
    refusal: run.refusal ?? lost ?? fork.refusal ?? refused,
    sessionId: identity.sessionId,
    estimate: (modelId, prompt) => services.models.find((each) => each.id === modelId)?.estimate(prompt),
  };
  // One that has told its end may be known to nobody any more but here: handed over again, it would run from its start.
  const open = journal.state().subtasks.filter((each) => !heardOf(each, eventsOf(run, services)));
  for (const subtask of run.refusal || lost ? [] : open)
    await submitSubtask(subtask, run, services, reservedOf(journal.state(), subtask.taskId));
  const control = services.control.open(identity);
  const { signal: calling, release } = linkSignals(signal, control.stopped);
  const begun: StepScope['begun'] = new Map();
  const toUndo = effectsOfOrigin(run, services, fork);
  try {
    for (;;) {
      if (signal.aborted) throw new FreshetError('unavailable', 'the worker stopped');
      const began = performance.now();
      const at = clock();
      const said = journal.state().ending
        ? null
        : (heed(journal.state(), control) ??
          (await heardWhole(run, services, journal)) ??
          // What came meanwhile wakes nobody who does not wait yet.
          heed(journal.state(), control) ??
          refusalHeard(journal.state(), facts));
      if (said) {
        journal.writeBehind({ ...said, at });
        continue;
      }
      const decision = decideOrFail(journal, facts, at);
      const scope = { run, services, journal, chunks, facts, calling, begun, at };
      // One that cannot go on leaves what its origin did as it is.
      const effect = endsShort(decision) ? undefined : toUndo.shift();
      if (effect) {
        await undoEffect(effect, scope);
        continue;
      }
      switch (decision.kind) {
        case 'nothing':
          throw new FreshetError('internal', `nothing to decide in phase ${journal.state().phase.kind}`);
        case 'wait': {
          chunks.flush();
          await run.place.leaveWhile(
            () => waitOutside(run, services, journal, control, decision.until),
            () => signal.aborted || control.stop() !== null,
          );
          break;
        }
        case 'respond':
          await respond(run, services, journal, decision, at);
          chunks.state(decision.step, decision.name === 'completed' ? 'completed' : 'failed');
          onEvent(executionEnded(run, journal.state(), decision, clock(), performance.now() - began));
          return;
        case 'retrieve':
        case 'recall':
        case 'model':
        case 'plan':
        case 'tool':
        case 'delegate':
        case 'ask-approval':
        case 'refuse-tool':
        case 'refuse-output': {
          const result = await performStep(decision, scope);
          // Every decision raises the step, or an execution might never end: one that does not is a fault of ours.
          if (journal.state().step < decision.step)
            throw new FreshetError(
              'internal',
              `the ${decision.kind} of step ${decision.step} changed nothing`,
            );
          chunks.flush();
          onEvent(stepEnded(run, decision, result, at, performance.now() - began));
          break;
        }
        default:
          decision satisfies never;
      }
    }
  } finally {
    release();
    control.close();
    services.scratch.end(identity.executionId);
    // Whoever takes it over must not take it for a task that killed its worker.
    if (signal.aborted && journal.state().phase.kind !== 'ended') journal.release();
  }
};

const endsShort = (decision: Decision): boolean =>
  decision.kind === 'respond' && decision.name !== 'completed';

const reservedOf = ({ costs }: ExecutionState, taskId: string): string => costs.get(taskId)?.usd ?? '0';

/** A refusal that meets an effect of which nobody knows ends it as that effect, so it is journaled as a stop: a replay hears it there. */
const refusalHeard = (state: ExecutionState, { refusal, agent }: DecisionFacts): EventDraft | null =>
  refusal && !state.stop && goesBy(state.terms, 1) && lostEffectOf(state, agent)
    ? stopDraft(state.step, refusal)
    : null;

/** What a sub-task came to, to be journaled; one whose answer is gone has failed. */
const heardWhole = async (
  run: ExecutionToRun,
  services: RunServices,
  journal: ExecutionJournal,
): Promise<EventDraft | null> => {
  const heard = nextHeard(journal.state(), eventsOf(run, services));
  if (!heard?.outputPayload) return heard;
  const { whole, lost } = await wholeEvents(
    [eventOf(run.identity, heard, { epoch: 0, sequence: 0 }, 0)],
    services,
  );
  const error = lost && { ...lost, retryable: false };
  return { ...heard, outputPayload: null, output: whole[0]?.output ?? null, ...(error ? { error } : {}) };
};

/** Appends the claim, with the task before it and the terms after it where they are new; it holds once it is read back. */
const claim = async (
  run: ExecutionToRun,
  services: RunServices,
  fork: ForkBegun,
  terms: RunTerms | null,
): Promise<{ readonly journal: ExecutionJournal; readonly lost: DecisionFacts['refusal'] }> => {
  const { identity, input, epoch, task } = run;
  const { journal: partition, clock } = services;
  const began = performance.now();
  const known = partition.fold.execution(identity.executionId);
  const { state } = await journaledState(known, services);
  const { traceparent } = run.trace;
  const traced = {
    append: (events: readonly AgentEvent[]) => partition.append(events, traceparent),
    leave: (events: readonly AgentEvent[]) => partition.leave(events, traceparent),
  };
  const journal = openExecutionJournal(traced, identity, epoch, state, clock);
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
    ...missingDrafts(fork.drafts, known?.events ?? []),
  );
  const now = await journaledState(partition.fold.execution(identity.executionId), services);
  journal.resume(now.state);
  services.onEvent({
    name: 'execution-started',
    agent: identity.agent,
    takenOver: state.order.epoch > 0,
    waitedMicros: Math.max(0, clock() - input.createdAt),
    overheadMicros: Math.round((performance.now() - began) * MICROS),
    run: { identity, epoch, trace: run.trace },
  });
  return { journal, lost: now.lost };
};

/** What a `request` event is known by. */
export const requestHashOf = (agent: string, behaviour: string, terms: RunTerms | null): string =>
  hashOf({
    kind: 'request',
    name: agent,
    input: { behaviour, limits: terms?.limits ?? null, safety: terms?.safety ?? null },
  });

const termsOf = ({ agent, input }: ExecutionToRun, services: RunServices): RunTerms | null => {
  if (!agent) return null;
  return {
    limits: limitsOf(agent, input.budget),
    safety: safetyOf(agent),
    capabilities: services.capabilitiesOf(input.principal),
    models: modelsFor(agent, services.models).map(({ id, price, contextTokens }) => ({
      id,
      price: { ...price },
      contextTokens,
    })),
    rules: RULES,
  };
};

const refusalOf = ({ agent, input }: ExecutionToRun): DecisionFacts['refusal'] => {
  try {
    if (!agent) return null;
    limitsOf(agent, input.budget);
    const message = wrongInputOf(agent, input.text);
    return message === null ? null : { code: 'task-invalid', message };
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
  const { output, error } = decision.input;
  const partial = error && !run.endsBare ? reachedOf(state) : null;
  const failure = error && {
    code: error.code satisfies EndCode,
    message: error.message,
    retryable: false,
  };
  if (error?.code === 'poison') await run.onPoison(error.message);
  const terminal: TerminalOutput = {
    outcome: decision.name,
    output,
    partial,
    receipt: receiptOf(run.endsBare ? INITIAL_STATE : state),
    steps: state.countedSteps,
    startedAt: state.startedAt,
  };
  const text =
    state.ending?.text ??
    JSON.stringify(decision.bounds ? { ...terminal, bounds: decision.bounds } : terminal);
  const said = { at, output: text, inputHash: inputHashOf(decision), error: failure };
  const { parent } = run.input;
  // Whoever takes it over after this comes to the same end: what its parent is told is true, however often it is told.
  if (parent && !state.ending)
    await journal.write({ type: 'checkpoint', name: ENDING, step: state.step, ...said });
  // What it has handed over would spend and act for nobody.
  await services.subtasks.cancel(state.subtasks, run.identity, error?.code ?? decision.name);
  // Before the end: one that was not told would wait for ever.
  if (parent)
    await services.subtasks.tellParent(
      parent,
      run.identity,
      { output: output ?? partial, error: failure, costUsd: formatUsd(totalUsd(state.costs)) },
      traceparentOf(executionContextOf(run.trace, parent.executionId)),
    );
  const offset = await journal.write({
    type: 'response',
    step: decision.step,
    name: decision.name,
    ...said,
    durationMicros: Math.max(0, services.clock() - run.input.createdAt),
  });
  if (!run.agent?.memory) return;
  const policy = memoryPolicyOf(run.agent.memory);
  const place = { topic: TOPICS.agentEvents.name, partition: run.task.partition, offset };
  const tenant = run.identity.tenant ?? services.localTenant;
  const of = { identity: run.identity, tenant, outcome: decision.name, output, place, at };
  // What ended has ended: a memory that cannot be written now is read from the journal again (agents/memory).
  await services.memory.remember({ ...endedOf(state, of), policy }).catch(() => undefined);
};
