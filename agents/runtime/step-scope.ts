/** What performing a step works with, and what is told of it. */

import type { JsonValue } from '../../connectors/models/language/language-model.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { DEFAULT_SAFETY } from '../../schemas/safety-policy.ts';
import { stepContextOf } from '../../schemas/task-trace.ts';
import { traceparentOf } from '../../schemas/trace-context.ts';
import type { ChainResult } from '../tools/call-chain.ts';
import type { Denial, MoneyAsked } from './call-guards.ts';
import type { DecisionFacts } from './decision-facts.ts';
import type { EventDraft, ExecutionJournal } from './execution-journal.ts';
import type { ExecutionToRun, RunServices } from './execution-run.ts';
import type { StepSeen } from './runtime-event.ts';
import type { CallFailure } from './step-calls.ts';
import type { TaskChunks } from './task-chunks.ts';

export interface StepResult {
  readonly succeeded: boolean;
  /** In the model, the tool or the retriever. */
  readonly outsideMicros: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: string;
  /** Why it did not succeed, of a closed list. */
  readonly failure?: string;
  readonly seen?: StepSeen;
}

export interface StepScope {
  readonly run: ExecutionToRun;
  readonly services: RunServices;
  readonly journal: ExecutionJournal;
  readonly chunks: TaskChunks;
  /** What its decisions go by beside the state. */
  readonly facts: DecisionFacts;
  /** Ends what is under way: the worker is stopped, or the execution is. */
  readonly calling: AbortSignal;
  /** Reads of the same reply that were begun together with the first of them, by call id. */
  readonly begun: Map<string, Promise<ChainResult>>;
  /** When the decision was taken, microseconds since the Unix epoch. */
  readonly at: number;
}

export const NOTHING_SPENT = { inputTokens: 0, outputTokens: 0, costUsd: '0' } as const;

/** A call that the wall time ends must end past it, so that the next decision sees so. */
const WALL_MARGIN_MS = 10;

/** What whatever a step calls is given as its parent. */
export const traceparentOfStep = ({ run: { trace, identity, epoch } }: StepScope, step: number): string =>
  traceparentOf(stepContextOf(trace, identity.executionId, epoch, step));

/** What is left of the execution's time, by now where nothing else is said, and what it ends as when nothing is left. */
export const timeOf = (
  { journal, services }: StepScope,
  now: number = services.clock(),
): NonNullable<MoneyAsked['time']> => {
  const { startedAt, heldMicros, terms, input } = journal.state();
  const wallMs = terms ? terms.limits.maxMs - (now - startedAt - heldMicros) / 1_000 : 0;
  const deadlineMs = ((input?.deadlineAt ?? Number.POSITIVE_INFINITY) - now) / 1_000;
  return deadlineMs < wallMs
    ? { leftMs: deadlineMs, code: 'deadline' }
    : { leftMs: wallMs, code: 'wall-time' };
};

/** How long a call that is made now may take. Milliseconds. */
export const callLimitMs = (scope: StepScope): number => timeOf(scope).leftMs + WALL_MARGIN_MS;

/** What a step asks of the day's money. */
export const moneyOf = (scope: StepScope, step: number, usd: string): MoneyAsked => {
  const { run, journal, at } = scope;
  const { executionId, agent } = run.identity;
  const { usdPerDay } = journal.state().terms?.safety ?? DEFAULT_SAFETY;
  const costId = `${executionId}:${run.epoch}:${step}`;
  return { costId, agent, tenant: tenantOf(scope), usd, at, usdPerDay, time: timeOf(scope) };
};

export const tenantOf = ({ run, services }: StepScope): string => run.identity.tenant ?? services.localTenant;

/** An outcome that came while the worker was being stopped says nothing: its journal is another's by now. */
export const throwIfStopped = ({ run }: StepScope): void => {
  if (run.signal.aborted) throw new FreshetError('unavailable', 'the worker stopped');
};

export const errorOf = ({ code, message, retryable }: CallFailure) => ({ code, message, retryable });

/** The execution ends before its next step, as whatever it asks for would be denied too. */
export const stopDraft = (step: number, denied: Denial): EventDraft => ({
  type: 'checkpoint',
  name: 'stop',
  step,
  error: { ...denied, retryable: false },
});

/** What a failed call leaves beside its error. */
export const failureOutput = ({ retryAfterMs }: Pick<CallFailure, 'retryAfterMs'>): string =>
  JSON.stringify({ retryAfterMs } satisfies JsonValue);
