/** What an execution does next: everything its runner can be told to do. */
import type { JsonValue, ModelPrompt, TokenBounds } from '../../connectors/models/language/language-model.ts';
import { hashOf } from '../../schemas/canonical-json.ts';
import type { EndCode, Outcome } from '../../schemas/execution-payloads.ts';
import type { FreshnessRequest } from '../../schemas/search.ts';

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
    }
  /** A call that cannot be made: the model is told, and it counts as a step. */
  | {
      readonly kind: 'refuse-tool';
      readonly step: number;
      readonly name: string;
      readonly input: JsonValue;
      readonly error: { readonly code: 'unknown-tool' | 'arguments-invalid'; readonly message: string };
    }
  | {
      readonly kind: 'respond';
      readonly step: number;
      readonly name: Outcome;
      readonly input: {
        readonly output: JsonValue;
        readonly error: { readonly code: EndCode; readonly message: string } | null;
        readonly partial: JsonValue;
      };
      /** Of the call that the money cap forbade: journaled, so that a replay needs no model to come to the same. */
      readonly bounds: TokenBounds | null;
    }
  /** Before a failed call is made again. Microseconds since the Unix epoch. */
  | { readonly kind: 'wait'; readonly until: number }
  /** Nothing to do: it has ended, or an outcome is still to come. */
  | { readonly kind: 'nothing' };

export type StepDecision = Exclude<Decision, { readonly kind: 'wait' | 'nothing' }>;

export interface RetrieveInput {
  readonly query: string;
  readonly topK: number;
  readonly filter?: Readonly<Record<string, string>>;
  readonly freshness?: FreshnessRequest;
}

/** What a decision is known by in the journal: of kind, name and input, nothing else (I10). */
export const inputHashOf = ({ kind, name, input }: StepDecision): string => hashOf({ kind, name, input });
