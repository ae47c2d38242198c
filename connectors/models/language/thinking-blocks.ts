/**
 * Anthropic's thinking: collected as it streams, and put back where it stood when the results of a reply's tools are sent. The
 * provider takes a turn that uses tools only with its thinking complete, unmodified and in its place, signatures and redacted
 * blocks included (platform.claude.com, "Thinking in tool and multi-turn workflows").
 */
import type { ModelMessage, ModelPrompt, Thinking, ThinkingBlock } from './language-model.ts';

/** A part of the library's provider stream, as far as it is about thinking. */
export interface StreamedPart {
  readonly type: string;
  readonly id?: string;
  readonly delta?: string;
  readonly providerMetadata?: Readonly<Record<string, Readonly<Record<string, unknown>>>> | undefined;
}

interface OpenBlock {
  readonly id: string | undefined;
  readonly afterText: number;
  readonly afterCalls: number;
  text: string;
  signature: string | null;
  redacted: string | null;
}

export interface ThinkingCollector {
  /** `text` and `calls`: what of the reply has come before this part. */
  take(part: StreamedPart, text: string, calls: number): void;
  /** Undefined where nothing was thought that the provider wants back. */
  thinking(): Thinking | undefined;
}

/** @param model what the thinking is of: no other is sent it */
export const collectThinking = (model: string): ThinkingCollector => {
  const blocks: OpenBlock[] = [];
  return {
    take: (part, text, calls) => {
      if (part.type !== 'reasoning-start' && part.type !== 'reasoning-delta') return;
      const { signature, redactedData } = part.providerMetadata?.anthropic ?? {};
      if (part.type === 'reasoning-start')
        blocks.push({
          ...{ id: part.id, afterText: text.length, afterCalls: calls },
          ...{ text: '', signature: null, redacted: null },
        });
      const block = blocks.findLast(({ id }) => id === part.id);
      if (!block) return;
      if (part.type === 'reasoning-delta') block.text += part.delta ?? '';
      if (typeof signature === 'string') block.signature = (block.signature ?? '') + signature;
      if (typeof redactedData === 'string') block.redacted = redactedData;
    },
    thinking: () => {
      const wanted = blocks.flatMap(
        ({ afterText, afterCalls, text, signature, redacted }): readonly ThinkingBlock[] => {
          if (signature !== null) return [{ afterText, afterCalls, text, signature }];
          return redacted === null ? [] : [{ afterText, afterCalls, redacted }];
        },
      );
      return wanted.length === 0 ? undefined : { model, blocks: wanted };
    },
  };
};

type Reply = Extract<ModelMessage, { readonly role: 'assistant' }>;
type Call = NonNullable<Reply['toolCalls']>[number];

/** A reply in the order in which it came, without the thinking of any other model. */
export type ReplyPart =
  | { readonly type: 'thinking'; readonly block: ThinkingBlock }
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'call'; readonly call: Call };

/** @param model whose request it is for; null: one that takes no thinking */
export const replyParts = (reply: Reply, model: string | null): readonly ReplyPart[] => {
  const { content, toolCalls = [], thinking } = reply;
  const parts: ReplyPart[] = [];
  let text = 0;
  let calls = 0;
  const upTo = (toText: number, toCalls: number): void => {
    const piece = content.slice(text, toText);
    // Some put white space before their calls, and Anthropic refuses to be told of a text without any letter.
    if (piece.trim() !== '') parts.push({ type: 'text', text: piece });
    for (const call of toolCalls.slice(calls, toCalls)) parts.push({ type: 'call', call });
    text = Math.max(text, toText);
    calls = Math.max(calls, toCalls);
  };
  for (const block of thinking !== undefined && thinking.model === model ? thinking.blocks : []) {
    upTo(block.afterText, block.afterCalls);
    parts.push({ type: 'thinking', block });
  }
  upTo(content.length, toolCalls.length);
  return parts;
};

/**
 * Whether a turn of tools under way was begun without this model's thinking: by another model, or by an agent's own plan. With a
 * budget for thinking the provider refuses to go on with such a turn; without, it does.
 */
export const goesOnWithoutThinking = ({ messages }: ModelPrompt, model: string): boolean => {
  if (messages.at(-1)?.role !== 'tool') return false;
  const from = messages.findLastIndex(({ role }) => role === 'user');
  const first = messages.slice(from + 1).find((message): message is Reply => message.role === 'assistant');
  return first?.thinking?.model !== model;
};
