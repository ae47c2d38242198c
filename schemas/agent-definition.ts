/**
 * What a team writes to add an agent. The version names the behaviour: change it whenever instructions, tools or
 * limits change, as executions are journaled and replayed under it.
 */
import type { z } from 'zod';
import type { Retriever } from './search.ts';

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
  readonly execute: (input: z.infer<Arguments>, context: ToolContext) => Promise<unknown>;
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
