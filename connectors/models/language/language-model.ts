import type { TokenPrice } from '../../../schemas/money.ts';

/** A JSON value: what is journaled and comes back the same. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

export type ModelTool = {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments, an object schema. */
  readonly parameters: { readonly [key: string]: JsonValue };
};

export type ToolCall = {
  readonly id: string;
  readonly name: string;
  /** As the model gave them, unchecked. A string that was not JSON stays a string, so that a schema check refuses it. */
  readonly arguments: JsonValue;
};

/**
 * What a model thought before it went on, as its provider wants it back while its tools are used: a signed text, or one that only
 * the provider can read. `afterText` and `afterCalls`: how many characters of the reply's text and how many of its tool calls came
 * before it.
 */
export type ThinkingBlock = { readonly afterText: number; readonly afterCalls: number } & (
  | { readonly text: string; readonly signature: string }
  | { readonly redacted: string }
);

/** Of one reply. No other model understands it. */
export type Thinking = { readonly model: string; readonly blocks: readonly ThinkingBlock[] };

export type ModelMessage =
  | { readonly role: 'user'; readonly content: string }
  | {
      readonly role: 'assistant';
      readonly content: string;
      readonly toolCalls?: readonly ToolCall[];
      readonly thinking?: Thinking;
    }
  | {
      readonly role: 'tool';
      readonly toolCallId: string;
      readonly toolName: string;
      readonly content: string;
    };

/** What a model is asked: plain JSON, as it is journaled. */
export type ModelPrompt = {
  readonly system: string;
  readonly messages: readonly ModelMessage[];
  readonly tools?: readonly ModelTool[];
  /** Hard limit of the answer, in the model's tokens, at least 1. */
  readonly maxOutputTokens: number;
  readonly temperature?: number;
};

export type ModelChunk =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'tool-call'; readonly name: string; readonly arguments: JsonValue };

export type ModelRequest = ModelPrompt & {
  /** Ends the call; it rejects with ModelError reason `cancelled`. */
  readonly signal?: AbortSignal;
  /** Called as the answer comes. What was passed before a failure is not taken back. It must not throw. */
  readonly onChunk?: (chunk: ModelChunk) => void;
  /** Called when its turn has come, and whenever anything comes of it, thinking too. It must not throw. */
  readonly onProgress?: () => void;
  /** W3C trace context of whoever asks: sent to the provider as a header of its own. */
  readonly traceparent?: string;
};

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other';

export type TokenUsage = {
  /** All tokens of the prompt, cached ones included. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cachedInputTokens: number;
  /** Of the prompt, written to the provider's cache; none where left out. */
  readonly cacheWriteTokens?: number;
  /** False when the provider reported none: then these are the upper bounds of `estimate`. */
  readonly reported: boolean;
};

/** Plain JSON, as it is journaled. */
export type ModelReply = {
  readonly text: string;
  readonly toolCalls: readonly ToolCall[];
  readonly finishReason: FinishReason;
  readonly usage: TokenUsage;
  /** To be sent back with this reply when its tools' results are; left out where there was none. */
  readonly thinking?: Thinking;
};

/** US dollars as decimal strings, so that no cent is lost in a binary fraction. */
export type ModelPrice = TokenPrice;

export type TokenBounds = { readonly inputTokens: number; readonly outputTokens: number };

export interface LanguageModel {
  /** Provider and model, e.g. `openai-compatible/small-1`. */
  readonly id: string;
  /** Its kind in the configuration; left out for one that answers in this process. */
  readonly provider?: string;
  readonly price: ModelPrice;
  /** The window of one call in the model's tokens: prompt and answer together. */
  readonly contextTokens: number;
  /** One call, never retried here. @throws ModelError (a FreshetError `model-failed`) that says whether to retry */
  generate(request: ModelRequest): Promise<ModelReply>;
  /** Tokens that the call cannot exceed, to reserve money before it. Far above the usual; never below the real. */
  estimate(prompt: ModelPrompt): TokenBounds;
}
