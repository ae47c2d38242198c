import type { ModelPrompt, TokenBounds } from './language-model.ts';

/** Role marks and separators of a chat template around one message. */
const TOKENS_PER_MESSAGE = 16;
/** What providers add of their own, once a call and once more when there are tools. */
const TOKENS_PER_CALL = 64;
const TOKENS_FOR_TOOLS = 1_024;

/**
 * Upper bounds of a call's tokens for any model with a byte-level or byte-fallback vocabulary: a token holds at least
 * one byte, so a text has no more tokens than UTF-8 bytes. About four times the real number for English; a reservation
 * is given back after the call, but one that is too small would break the budget.
 */
export const estimateTokens = (prompt: ModelPrompt): TokenBounds => {
  const tools = prompt.tools ?? [];
  const messages = prompt.messages.reduce(
    (sum, message) => sum + TOKENS_PER_MESSAGE + Buffer.byteLength(JSON.stringify(message)),
    0,
  );
  const forTools = tools.length === 0 ? 0 : TOKENS_FOR_TOOLS + Buffer.byteLength(JSON.stringify(tools));
  return {
    inputTokens: TOKENS_PER_CALL + Buffer.byteLength(prompt.system) + messages + forTools,
    outputTokens: prompt.maxOutputTokens,
  };
};
