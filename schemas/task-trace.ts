/**
 * The trace of a task: that of whoever sent it, else one that follows from its execution's id, so that every worker that holds the
 * execution, one after the other, adds to the same trace (docs/decisions). Pure.
 *
 * Spans: `task` (taken from freshet.tasks) → `execution` → one for each step. A sub-task's parent is the step that handed it over.
 */
import {
  isSampled,
  parseTraceparent,
  spanIdOf,
  type TraceContext,
  traceIdOf,
  traceparentOf,
} from './trace-context.ts';

export interface TaskTrace {
  readonly traceId: string;
  readonly sampled: boolean;
  /** Of whoever sent the task; null where the task is the root of its trace. */
  readonly parentSpanId: string | null;
  readonly taskSpanId: string;
  readonly executionSpanId: string;
  /** Of the execution: the header of all that is written of it. */
  readonly traceparent: string;
}

const taskSpanIdOf = (executionId: string): string => spanIdOf(`${executionId} task`);

type Trace = Pick<TaskTrace, 'traceId' | 'sampled'>;

/** Of any execution in a trace. */
export const executionContextOf = ({ traceId, sampled }: Trace, executionId: string): TraceContext => ({
  ...{ traceId, sampled },
  spanId: spanIdOf(`${executionId} execution`),
});

/** `header`: as it came with the task; what is no trace context counts as none. `ratio`: of tasks without one that are sampled. */
export const taskTraceOf = (header: string | undefined, executionId: string, ratio: number): TaskTrace => {
  const given = parseTraceparent(header);
  const traceId = given?.traceId ?? traceIdOf(executionId);
  const sampled = given?.sampled ?? isSampled(traceId, ratio);
  const taskSpanId = taskSpanIdOf(executionId);
  const execution = executionContextOf({ traceId, sampled }, executionId);
  return {
    ...{ traceId, sampled, taskSpanId, executionSpanId: execution.spanId },
    parentSpanId: given && given.spanId !== taskSpanId ? given.spanId : null,
    traceparent: traceparentOf(execution),
  };
};

/**
 * The header of a task that is sent on: its sender's, else the task's own context. A worker that finds its own span named there knows
 * that nobody stands above it.
 */
export const taskTraceparentOf = (header: string | undefined, executionId: string, ratio: number): string => {
  if (header !== undefined && parseTraceparent(header)) return header;
  const traceId = traceIdOf(executionId);
  return traceparentOf({ traceId, spanId: taskSpanIdOf(executionId), sampled: isSampled(traceId, ratio) });
};

/** A step as one worker performed it: its successor may perform it again. */
export const stepContextOf = (
  { traceId, sampled }: Trace,
  executionId: string,
  epoch: number,
  step: number,
): TraceContext => ({ traceId, sampled, spanId: spanIdOf(`${executionId} step ${epoch}:${step}`) });

/** A step that hands a task over: the same under every claim, as the task is the same however often it is handed over. */
export const handOverContextOf = ({ traceId, sampled }: Trace, subtaskId: string): TraceContext => ({
  traceId,
  sampled,
  spanId: spanIdOf(`${subtaskId} handed over`),
});
