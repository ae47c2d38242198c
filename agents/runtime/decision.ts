/** What an execution does next: everything its runner can be told to do. */
import type {
  JsonValue,
  ModelPrompt,
  TokenBounds,
  ToolCall,
} from '../../connectors/models/language/language-model.ts';
import { hashOf, hashOnce } from '../../schemas/canonical-json.ts';
import type { EndCode, Outcome } from '../../schemas/execution-payloads.ts';
import type { RetrieveSettings } from '../../schemas/retrieve-settings.ts';
import type { SearchRequest } from '../../schemas/search.ts';

export type Decision =
  | { readonly kind: 'retrieve'; readonly step: number; readonly name: string; readonly input: RetrieveInput }
  | {
      readonly kind: 'model';
      readonly step: number;
      readonly name: string;
      readonly input: ModelPrompt;
      /** The most it can cost, exact decimal in US dollars. */
      readonly reservedUsd: string;
      readonly priceTable: string;
      readonly bounds: TokenBounds;
    }
  | {
      readonly kind: 'tool';
      readonly step: number;
      readonly name: string;
      /** As the model gave them; they fit the tool's schema. */
      readonly input: JsonValue;
      readonly effect: 'read' | 'write';
      /** The model's own name for the call. */
      readonly callId: string;
    }
  /** A call that cannot be made: the model is told, and it counts as a step. */
  | {
      readonly kind: 'refuse-tool';
      readonly step: number;
      readonly name: string;
      readonly input: JsonValue;
      readonly error: { readonly code: ToolRefusal; readonly message: string };
    }
  /** A person is to say yes or no to a call, as its arguments stand. */
  | {
      readonly kind: 'ask-approval';
      readonly step: number;
      readonly name: string;
      readonly input: JsonValue;
      /** Microseconds since the Unix epoch. */
      readonly until: number;
    }
  /** A task for another agent. */
  | {
      readonly kind: 'delegate';
      readonly step: number;
      readonly name: string;
      readonly input: JsonValue;
      readonly agent: string;
      readonly callId: string;
      readonly reservedUsd: string;
    }
  /** What a planned agent does next, as calls of its tools. */
  | {
      readonly kind: 'plan';
      readonly step: number;
      readonly name: 'plan';
      readonly input: { readonly toolCalls: readonly ToolCall[] };
    }
  /** An answer that is not of the agent's shape: the model is told, and asked again. */
  | {
      readonly kind: 'refuse-output';
      readonly step: number;
      readonly name: string;
      readonly input: JsonValue;
      readonly error: { readonly code: 'output-invalid'; readonly message: string };
    }
  | { readonly kind: 'recall'; readonly step: number; readonly name: string; readonly input: RecallInput }
  | {
      readonly kind: 'respond';
      readonly step: number;
      readonly name: Outcome;
      readonly input: {
        readonly output: JsonValue;
        readonly error: { readonly code: EndCode; readonly message: string } | null;
        /** What had been reached: it is shown in plain words (answer.ts). */
        readonly partial: JsonValue;
      };
      /** Of the call that the money cap forbade: journaled, so that a replay needs no model to come to the same. */
      readonly bounds: TokenBounds | null;
    }
  /** Before a failed call is made again, or until somebody outside has spoken. Microseconds since the Unix epoch. */
  | { readonly kind: 'wait'; readonly until: number }
  /** Nothing to do: it has ended, or an outcome is still to come. */
  | { readonly kind: 'nothing' };

export type StepDecision = Exclude<Decision, { readonly kind: 'wait' | 'nothing' }>;

/** Why a call cannot be made. */
export type ToolRefusal =
  | 'unknown-tool'
  | 'arguments-invalid'
  /** The task's principal does not hold the capability that the tool needs. */
  | 'not-allowed'
  /** Sub-tasks of sub-tasks, too many deep. */
  | 'too-deep'
  | 'approval-expired';

export interface RecallInput {
  readonly text: string;
  readonly sessionId: string | null;
}

export type Decided<Kind extends StepDecision['kind']> = Extract<StepDecision, { readonly kind: Kind }>;

/** What is performed, and journaled by whoever performs it. */
export type Performed = Decided<
  | 'retrieve'
  | 'recall'
  | 'model'
  | 'plan'
  | 'tool'
  | 'delegate'
  | 'ask-approval'
  | 'refuse-tool'
  | 'refuse-output'
>;

export type RetrieveInput = RetrieveSettings & Pick<SearchRequest, 'query' | 'freshness'>;

/**
 * What a decision is known by in the journal: of kind, name and input, nothing else (I10). The messages and tools of a
 * prompt stand in it by their own hashes.
 */
export const inputHashOf = (decision: StepDecision): string => {
  const { kind, name, input } = decision;
  if (decision.kind !== 'model') return hashOf({ kind, name, input });
  const { messages, tools, ...rest } = decision.input;
  return hashOf({
    kind,
    name,
    input: { ...rest, messages: messages.map(hashOnce), tools: tools ? hashOnce(tools) : null },
  });
};
