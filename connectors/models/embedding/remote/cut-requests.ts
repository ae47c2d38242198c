/** What one request to a provider may hold. Pure. */
export type RequestLimits = {
  readonly maxTexts: number;
  /** Tokens of all texts of a request together. */
  readonly maxTokens: number;
};

/**
 * Cuts texts, given by their token counts, into requests within the limits, in order. A text above the token limit goes
 * alone: the provider says what it thinks of it.
 *
 * @returns positions, each exactly once
 */
export const cutRequests = (
  tokens: readonly number[],
  limits: RequestLimits,
): readonly (readonly number[])[] => {
  const requests: number[][] = [];
  let open: number[] = [];
  let held = 0;
  for (const [position, count] of tokens.entries()) {
    if (open.length > 0 && (open.length >= limits.maxTexts || held + count > limits.maxTokens)) {
      requests.push(open);
      open = [];
      held = 0;
    }
    open.push(position);
    held += count;
  }
  if (open.length > 0) requests.push(open);
  return requests;
};
