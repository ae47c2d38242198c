/** How many tokens a prompt is likely to have, by a measure of texts. Pure. */
import type {
  ModelMessage,
  ModelPrompt,
  ModelTool,
} from '../../connectors/models/language/language-model.ts';

/** Tokens of a text: 0 or more, and no fewer for a longer one. */
export type TokensOf = (text: string) => number;

/** Role marks and separators of a chat template around one message. */
const TOKENS_PER_MESSAGE = 8;
const BYTES_PER_TOKEN = 2.5;

/**
 * On the safe side of what today's vocabularies make of prose (4 bytes a token), code (3) and Chinese (2 to 3), and far
 * below the bound that money is reserved by: a text of digits or noise alone can have more.
 */
export const likelyTokens: TokensOf = (text) => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);

export const messageTokens = (message: ModelMessage, tokensOf: TokensOf): number => {
  const calls = message.role === 'assistant' ? (message.toolCalls ?? []) : [];
  const thinking = message.role === 'assistant' ? message.thinking : undefined;
  return (
    TOKENS_PER_MESSAGE +
    tokensOf(message.content) +
    (thinking ? tokensOf(JSON.stringify(thinking)) : 0) +
    calls.reduce(
      (sum, { name, arguments: given }) =>
        sum + TOKENS_PER_MESSAGE + tokensOf(name) + tokensOf(JSON.stringify(given)),
      0,
    )
  );
};

export const toolTokens = (tools: readonly ModelTool[], tokensOf: TokensOf): number =>
  tools.reduce((sum, tool) => sum + TOKENS_PER_MESSAGE + tokensOf(JSON.stringify(tool)), 0);

/** All of a prompt; the answer's tokens are not in it. */
export const promptTokens = (prompt: ModelPrompt, tokensOf: TokensOf): number =>
  TOKENS_PER_MESSAGE +
  tokensOf(prompt.system) +
  toolTokens(prompt.tools ?? [], tokensOf) +
  prompt.messages.reduce((sum, message) => sum + messageTokens(message, tokensOf), 0);
