/**
 * What a team writes to add an agent. The version names the behaviour: change it whenever instructions, tools or
 * limits change, as executions are journaled and replayed under it.
 */
import { z } from 'zod';
import { FreshetError } from './errors.ts';
import type { FetchPolicy } from './fetch-policy.ts';
import type { MemoryPolicyInput } from './memory-policy.ts';
import type { RetrieveSettings } from './retrieve-settings.ts';
import type { SafetySettings } from './safety-policy.ts';
import type { Retriever } from './search.ts';

/** Plain JSON, as it is journaled. */
type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface ToolContext {
  readonly tenant: string;
  readonly taskId: string;
  readonly executionId: string;
  /** `executionId:step` of the first try: hand it to the outside system, so that a repeated call has no second effect. */
  readonly idempotencyKey: string;
  readonly retriever: Retriever;
  /** Of the configured sources by name, for tools that read or write rows: what they write comes back as a change. */
  readonly sourceUrls: Readonly<Record<string, string>>;
  /** Of this execution, in this process: what one call leaves for the next. Gone at the end, and after a takeover. */
  readonly scratch: {
    get(name: string): string | undefined;
    set(name: string, value: string): void;
  };
  /** W3C trace context of the step: a header of what the tool sends on, so that it is found in the same trace. */
  readonly traceparent: string;
  /**
   * For addresses from a model or a row: public ones alone, and those of `fetch.allowInside`. Bounded in time, redirects and bytes; answers
   * whole. Errors: docs/tools.md.
   */
  readonly fetch: typeof globalThis.fetch;
  readonly signal: AbortSignal;
}

export interface ToolDefinition<Arguments extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly description: string;
  readonly arguments: Arguments;
  /** `write`: an effect outside; an intent is journaled before it. */
  readonly effect: 'read' | 'write';
  /**
   * The outside system honours `idempotencyKey`: a call whose outcome was lost is made again under the same key. A
   * write tool without it is parked for a person instead (I8).
   */
  readonly takesIdempotencyKey?: boolean;
  readonly timeoutMs?: number;
  /** Calls made again after a failure that may pass, within one step. Reads, and writes that take the key; none where left out. */
  readonly retries?: number;
  /** Of reads only: an answer to the same arguments within this time is given again without a call. */
  readonly cache?: { readonly ttlMs: number };
  /** What stands in when every try has failed, in this order; the step says which did. */
  readonly fallback?: {
    /** Other tools of the agent, given the same arguments. */
    readonly tools?: readonly string[];
    /** The last answer to these arguments, however old; its age is said. */
    readonly cached?: boolean;
    readonly answer?: Json;
  };
  /** Bounds of the `fetch` that it is given, and what of one's own network that may reach. */
  readonly fetch?: FetchPolicy;
  /** The principal of the task must hold it. */
  readonly capability?: string;
  /** A person approves each call, bound to its exact arguments, before it is made. */
  readonly approval?: boolean;
  /** Calls of this tool in one execution, those in the place of another included; what the safety policy says where left out. */
  readonly maxCalls?: number;
  /** What a call costs, exact decimal in US dollars. */
  readonly costUsd?: string;
  /** A task for another agent in place of a call: see `delegateTo`. */
  readonly subtask?: { readonly agent: string; readonly maxUsd?: string };
  readonly execute: (input: z.infer<Arguments>, context: ToolContext) => Promise<unknown>;
  /** Undoes an effect when an execution is taken back to before it. */
  readonly compensate?: (input: z.infer<Arguments>, output: Json, context: ToolContext) => Promise<unknown>;
  /** What undoing one costs, exact decimal in US dollars. */
  readonly compensateUsd?: string;
}

export interface AgentLimits {
  /** Model and tool steps of one execution. */
  readonly maxSteps: number;
  /** Money of one execution, exact decimal in US dollars. */
  readonly maxUsd: string;
  /** Wall time of one execution, without what a person takes to approve. */
  readonly maxMs: number;
  /** How long a call waits for a person's approval. */
  readonly maxApprovalMs: number;
  readonly maxOutputTokens: number;
}

/** What a plan decides from; the same gives the same, as a replay asks it again. */
export interface PlanSeen<Input = unknown> {
  readonly input: Input;
  readonly passages: readonly {
    readonly documentId: string;
    readonly source: string;
    readonly title: string;
    readonly text: string;
    readonly ageMs: number | null;
    /** Its row has changed since, and a gate refused what it became. */
    readonly stale: { readonly forMs: number | null; readonly reason: string } | null;
    /** `gate: reason` of what a gate saw in it and let pass. */
    readonly flags: readonly string[];
  }[];
  /** Of all calls so far, in order. */
  readonly results: readonly ToolResult[];
  /** Of all models asked so far, in order. */
  readonly replies: readonly string[];
}

export interface ToolResult {
  readonly name: string;
  readonly arguments: Json;
  /** Null where it failed. */
  readonly output: Json;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Calls (begun together where they are reads), a question to a model, the end, or why there can be none. */
export type PlannedStep =
  | { readonly tools: readonly { readonly name: string; readonly arguments: Json }[] }
  | {
      readonly ask: {
        readonly content: string;
        /** The agent's own where left out. */
        readonly instructions?: string;
        readonly maxOutputTokens?: number;
      };
    }
  | { readonly answer: Json }
  | { readonly fail: string };

export interface AgentDefinition<Input extends z.ZodType = z.ZodType, Output extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly version: string;
  readonly instructions: string;
  /** What the cost of a task is attributed to that names no feature itself. */
  readonly feature?: string;
  /** What is retrieved before the first model step, within the caps of a search; none where left out. */
  readonly retrieve?: RetrieveSettings;
  /** Which of the configured models it uses, in order of fallback; all of them where left out. */
  readonly models?: readonly string[];
  readonly tools?: readonly ToolDefinition[];
  readonly limits?: Partial<AgentLimits>;
  readonly safety?: SafetySettings;
  /** Session and long-term memory; none where left out. */
  readonly memory?: MemoryPolicyInput;
  /** What its tasks hold, as JSON; any text where left out. */
  readonly input?: Input;
  /** What its answers hold, as JSON: a model whose answer does not fit is told and asked again. A text where left out. */
  readonly output?: Output;
  /** Predictable work: decides each next step itself, in place of a model. Pure. */
  readonly plan?: (seen: PlanSeen<z.infer<Input>>) => PlannedStep;
}

export const DEFAULT_LIMITS: AgentLimits = {
  maxSteps: 12,
  maxUsd: '0.50',
  maxMs: 120_000,
  maxApprovalMs: 24 * 3_600_000,
  maxOutputTokens: 800,
};

/** Ties a tool's argument schema to its function, so that `execute` is typed from `arguments`. */
export const defineTool = <Arguments extends z.ZodType>(tool: ToolDefinition<Arguments>): ToolDefinition =>
  tool as unknown as ToolDefinition;

/**
 * A tool that hands a sub-task to another agent, paid from this execution's money, and gives its answer when it has ended.
 * Several in one reply run beside each other; the execution goes on when all have ended.
 */
export const delegateTo = (
  agent: string,
  of: { readonly name?: string; readonly description: string; readonly maxUsd?: string },
): ToolDefinition =>
  defineTool({
    name: of.name ?? `ask-${agent}`,
    description: of.description,
    effect: 'write',
    takesIdempotencyKey: true,
    arguments: z.object({
      input: z.string().min(1).describe('the whole task, as nothing else is passed on'),
    }),
    subtask: { agent, ...(of.maxUsd === undefined ? {} : { maxUsd: of.maxUsd }) },
    execute: () =>
      Promise.reject(new FreshetError('internal', `${agent} is handed tasks, and is not called`)),
  });

/** Ties a plan to the agent's input schema. */
export const defineAgent = <Input extends z.ZodType, Output extends z.ZodType>(
  agent: AgentDefinition<Input, Output>,
): AgentDefinition => agent as unknown as AgentDefinition;
