/** What the JSON inside of journal events holds, and the names they go by, where more than the runtime reads them. */
import type { AgentEvent, Budget, TaskFork, TaskFreshness, TaskParent } from './records.ts';

/** The name of the runtime's own retrieval among a journal's tool calls; no tool may take it. */
export const RETRIEVE = 'retrieve';

/** `user-input.input`: the task as it came. */
export interface UserInput {
  readonly text: string;
  readonly principal: string | null;
  readonly feature: string | null;
  readonly budget: Budget | null;
  /** What every retrieval of the execution must be; null or left out: nothing. */
  readonly freshness?: TaskFreshness | null;
  /** Microseconds since the Unix epoch. */
  readonly createdAt: number;
  /** Microseconds since the Unix epoch; past it, the task is halted. */
  readonly deadlineAt?: number | null;
  /** Its turn among its tenant's; 0 where left out. */
  readonly priority?: number;
  /** Who waits for it, of a sub-task. */
  readonly parent?: TaskParent | null;
  /** What it goes on from, of a fork. */
  readonly fork?: TaskFork | null;
}

/** How an execution ends. `halted`: stopped by a cap, the safety controller or a person; `failed`: it cannot be answered. */
export type Outcome = 'completed' | 'failed' | 'halted';

/** Why an execution ended otherwise than with an answer: the closed list of result errors. */
export type EndCode =
  | 'step-cap'
  | 'money-cap'
  | 'token-cap'
  | 'wall-time'
  /** The same call again, and nothing learned since. */
  | 'loop'
  /** Its state swings between the same few. */
  | 'thrashing'
  /** Steps in a row that changed nothing. */
  | 'no-progress'
  | 'tool-cap'
  /** Money of all executions of the agent, or of the tenant, today. */
  | 'agent-budget'
  | 'tenant-budget'
  | 'cancelled'
  /** An operator stopped the agent, or the tenant. */
  | 'killed'
  /** The task's own deadline. */
  | 'deadline'
  /** It killed its worker twice. */
  | 'poison'
  | 'model-failed'
  | 'retrieve-failed'
  /** The index did not become as fresh as the task asks for in the time it gave. */
  | 'stale'
  | 'empty-answer'
  /** A planned agent gave up, and says why. */
  | 'plan-failed'
  /** The answer is not of the shape that the agent promises. */
  | 'output-invalid'
  | 'unknown-agent'
  | 'task-invalid'
  | 'too-large'
  /** A write tool may or may not have had its effect: a person must look, it is never run again. */
  | 'effect-unknown'
  /** What the journal holds by reference is gone, so nobody can take the execution over. */
  | 'payload-lost'
  /** Its worker died during a model call too often. */
  | 'call-lost'
  | 'internal';

/** Ends that a person chose, the day's money (which has an alert of its own), or that nobody knew the agent: they say nothing of a version. */
export const OF_NO_VERSION: ReadonlySet<string> = new Set<EndCode>([
  'cancelled',
  'killed',
  'agent-budget',
  'tenant-budget',
  'unknown-agent',
]);

/** `response.output`: the terminal result. */
export interface TerminalOutput {
  readonly outcome: Outcome;
  readonly output: unknown;
  /** What was reached before a failure or halt; null where it completed. */
  readonly partial: unknown;
  readonly receipt: unknown;
  readonly steps: number;
  readonly startedAt: number;
  /** Of the call that a cap forbade: how many tokens it would have taken. */
  readonly bounds?: unknown;
}

interface Named {
  readonly type: string;
  readonly name: string | null;
}

export const isCheckpoint = (event: Named, name: string): boolean =>
  event.type === 'checkpoint' && event.name === name;

/**
 * The name of a `checkpoint` that binds an execution to its end before anybody is told of it; its output is that of the `response` to
 * come, its error too.
 */
export const ENDING = 'ending';

export const isEnding = (event: Named): boolean => isCheckpoint(event, ENDING);

/** The names of a `checkpoint` before and after a fork undoes an effect of its origin. */
export const UNDO = 'undo';
export const UNDONE = 'undone';

/** Whether an effect is undone, or may be: asked for again, it is another one. One that failed to be undone stands. */
export const isUndone = (event: Pick<AgentEvent, 'type' | 'name' | 'error'>): boolean =>
  isCheckpoint(event, UNDONE) && (event.error === null || event.error.code === 'effect-unknown');

/**
 * The name of a `checkpoint` of a fork, for a call of its origin of which nobody knows what came, and that it did not take over: made again, it
 * goes under that call's key.
 */
export const TRIED = 'tried';

/** `input` of it. */
export interface EffectTried {
  readonly tool: string;
  readonly argumentsHash: string;
}

export const effectTried = (text: string | null): EffectTried | null => {
  const { tool, argumentsHash } = parseObject(text) ?? {};
  return typeof tool === 'string' && typeof argumentsHash === 'string' ? { tool, argumentsHash } : null;
};

/** Of undoing the effect of a key. */
export const undoKeyOf = (idempotencyKey: string): string => `${idempotencyKey}:undo`;

/**
 * The name of a `checkpoint` after the intent of a tool or a model that was not called: its worker was told to let go before. It costs nothing, and
 * whoever takes the execution over begins it.
 */
export const NOT_MADE = 'not-made';

/** `input` of the first two. */
export interface EffectUndone {
  readonly tool: string;
  /** Of the origin. */
  readonly executionId: string;
  readonly step: number;
}

/** Whose effect is undone, or which tool was not called; null where the text does not say it. */
export const undoneTool = (text: string | null): string | null => {
  const tool = parseObject(text)?.tool;
  return typeof tool === 'string' ? tool : null;
};

/** Which model was not asked. */
export const unaskedModel = (text: string | null): string | null => {
  const model = parseObject(text)?.model;
  return typeof model === 'string' ? model : null;
};

const parseObject = (text: string | null): Readonly<Record<string, unknown>> | null => {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : null;
  } catch {
    return null;
  }
};

const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Null where the text is none: the journal can be written by anyone who reaches Kafka, and a record made of what it says must be writable. */
export const parseUserInput = (text: string | null): UserInput | null => {
  const value = parseObject(text);
  return value && typeof value.text === 'string' && Number.isSafeInteger(value.createdAt)
    ? {
        ...(value as unknown as UserInput),
        principal: textOrNull(value.principal),
        feature: textOrNull(value.feature),
      }
    : null;
};

const OUTCOMES: readonly unknown[] = ['completed', 'failed', 'halted'] satisfies readonly Outcome[];
/** Of the records that tell how many steps there were. */
const MOST_STEPS = 2 ** 31 - 1;

/** Null where the text is none, as parseUserInput. */
export const parseTerminalOutput = (text: string | null): TerminalOutput | null => {
  const value = parseObject(text);
  if (!value || !OUTCOMES.includes(value.outcome)) return null;
  const { output = null, partial = null, receipt = null, steps, startedAt } = value;
  const isCount = Number.isInteger(steps) && Number(steps) >= 0 && Number(steps) <= MOST_STEPS;
  return {
    ...(value as unknown as TerminalOutput),
    ...{ output, partial, receipt, steps: isCount ? Number(steps) : 0 },
    startedAt: Number.isSafeInteger(startedAt) ? Number(startedAt) : 0,
  };
};
