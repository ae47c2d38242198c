/**
 * What a team writes to add an agent. The version names the behaviour: change it whenever instructions, tools or
 * limits change, as executions are journaled and replayed under it.
 */
import type { z } from 'zod';
import type { Retriever } from './search.ts';

/** Plain JSON, as it is journaled. */
type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface ToolContext {
  readonly tenant: string;
  readonly taskId: string;
  readonly executionId: string;
  /** `executionId:step`: hand it to the outside system, so that a repeated call has no second effect. */
  readonly idempotencyKey: string;
  readonly retriever: Retriever;
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
  /** The principal of the task must hold it. */
  readonly capability?: string;
  /** A person approves each call, bound to its exact arguments, before it is made. */
  readonly approval?: boolean;
  /** Calls of this tool in one execution. */
  readonly maxCalls?: number;
  /** What a call costs, exact decimal in US dollars. */
  readonly costUsd?: string;
  readonly execute: (input: z.infer<Arguments>, context: ToolContext) => Promise<unknown>;
  /** Undoes an effect when an execution is taken back to before it. */
  readonly compensate?: (input: z.infer<Arguments>, output: Json, context: ToolContext) => Promise<unknown>;
}

export interface AgentLimits {
  /** Model and tool steps of one execution. */
  readonly maxSteps: number;
  /** Money of one execution, exact decimal in US dollars. */
  readonly maxUsd: string;
  /** Wall time of one execution. */
  readonly maxMs: number;
  readonly maxOutputTokens: number;
}

export interface AgentDefinition {
  readonly name: string;
  readonly version: string;
  readonly instructions: string;
  /** What is retrieved before the first model step; none where left out. */
  readonly retrieve?: { readonly topK: number; readonly filter?: Readonly<Record<string, string>> };
  /** Which of the configured models it uses, in order of fallback; all of them where left out. */
  readonly models?: readonly string[];
  readonly tools?: readonly ToolDefinition[];
  readonly limits?: Partial<AgentLimits>;
}

export const DEFAULT_LIMITS: AgentLimits = {
  maxSteps: 12,
  maxUsd: '0.50',
  maxMs: 120_000,
  maxOutputTokens: 800,
};

/** Ties a tool's argument schema to its function, so that `execute` is typed from `arguments`. */
export const defineTool = <Arguments extends z.ZodType>(tool: ToolDefinition<Arguments>): ToolDefinition =>
  tool as unknown as ToolDefinition;

export const defineAgent = (agent: AgentDefinition): AgentDefinition => agent;
