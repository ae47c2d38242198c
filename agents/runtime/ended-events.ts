/** What the runtime tells when a step or an execution has ended. Pure. */
import type { Performed, StepDecision } from './decision.ts';
import type { ExecutionToRun } from './execution-run.ts';
import type { ExecutionState } from './execution-state.ts';
import type { ExecutionEnded, RunOfEvent, StepEnded } from './runtime-event.ts';
import type { StepResult } from './step-scope.ts';

const MICROS = 1_000;

/** `now`: microseconds since the Unix epoch; `tookMs`: of writing the response. */
export const executionEnded = (
  run: ExecutionToRun,
  state: ExecutionState,
  decision: Extract<StepDecision, { readonly kind: 'respond' }>,
  now: number,
  tookMs: number,
): ExecutionEnded => ({
  name: 'execution-ended',
  agent: run.identity.agent,
  outcome: decision.name,
  code: decision.input.error?.code ?? null,
  steps: state.countedSteps,
  durationMicros: Math.max(0, now - run.input.createdAt),
  overheadMicros: Math.round(tookMs * MICROS),
  run: runOf(run),
  task: run.task,
  startedAt: state.startedAt,
  endedAt: now,
});

/** `at`: when it was decided, microseconds since the Unix epoch. */
export const stepEnded = (
  run: ExecutionToRun,
  decision: Performed,
  result: StepResult,
  at: number,
  tookMs: number,
): StepEnded => ({
  name: 'step-ended',
  agent: run.identity.agent,
  kind: decision.kind,
  of: decision.kind === 'refuse-tool' && decision.error.code === 'unknown-tool' ? 'unknown' : decision.name,
  outcome: result.succeeded ? 'succeeded' : 'failed',
  failure: result.failure ?? null,
  durationMicros: result.outsideMicros,
  overheadMicros: Math.max(0, Math.round(tookMs * MICROS) - result.outsideMicros),
  inputTokens: result.inputTokens,
  outputTokens: result.outputTokens,
  costUsd: result.costUsd,
  run: runOf(run),
  step: decision.step,
  at,
  seen: result.seen ?? null,
});

const runOf = ({ identity, epoch, trace }: ExecutionToRun): RunOfEvent => ({ identity, epoch, trace });
