/** Messages in the pieces that stand or fall together. Pure. */
import type { ModelMessage } from '../../connectors/models/language/language-model.ts';

/** One message, or a model's tool calls with every result that answers them. */
export type MessageGroup = readonly ModelMessage[];

/**
 * The groups of a conversation, in its order. A tool result that answers no call of the message before its row of results
 * belongs nowhere, and no provider takes it: it is left out.
 */
export const messageGroups = (messages: readonly ModelMessage[]): readonly MessageGroup[] => {
  const groups: ModelMessage[][] = [];
  /** Ids that the last model message asked for and nobody has answered. */
  const open = new Set<string>();
  for (const message of messages) {
    if (message.role === 'tool') {
      if (open.delete(message.toolCallId)) groups.at(-1)?.push(message);
      continue;
    }
    open.clear();
    if (message.role === 'assistant') for (const { id } of message.toolCalls ?? []) open.add(id);
    groups.push([message]);
  }
  return groups;
};
