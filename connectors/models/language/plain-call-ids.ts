/**
 * Ids of tool calls as Anthropic takes them: letters, digits, `_` and `-`, each once in a prompt. Other models, whose turn one may
 * take over, give them otherwise, as `functions.stock:0`, or the same in every reply. Pure.
 */
import { createHash } from 'node:crypto';
import type { ModelMessage } from './language-model.ts';

const PLAIN = /^[A-Za-z0-9_-]+$/;

/** Calls and their results go on naming each other; ids that are taken as they are stay. */
export const withPlainCallIds = (messages: readonly ModelMessage[]): readonly ModelMessage[] => {
  const used = new Set<string>();
  /** By the id that a call came with: what those are called that wait for their result, in order. */
  const waiting = new Map<string, string[]>();

  const called = (id: string): string => {
    const plain = PLAIN.test(id) && !used.has(id) ? id : digestOf(id, used.size);
    used.add(plain);
    waiting.set(id, [...(waiting.get(id) ?? []), plain]);
    return plain;
  };

  return messages.map((message) => {
    if (message.role === 'tool')
      return { ...message, toolCallId: waiting.get(message.toolCallId)?.shift() ?? message.toolCallId };
    if (message.role === 'user' || !message.toolCalls) return message;
    waiting.clear();
    return { ...message, toolCalls: message.toolCalls.map((call) => ({ ...call, id: called(call.id) })) };
  });
};

const digestOf = (id: string, place: number): string =>
  `call_${createHash('sha256').update(`${place} ${id}`, 'utf16le').digest('hex').slice(0, 16)}`;
