/** The smallest piece of a text whose token count is known: a word, a punctuation mark, one CJK character. */
export type TokenSpan = {
  /** Offsets into the text in UTF-16 code units, end exclusive, as `String.prototype.slice` takes them. */
  readonly start: number;
  readonly end: number;
  /** Tokens of this span; 0 for a span of invisible control characters. */
  readonly tokens: number;
};

/**
 * Turns texts into vectors. Equal text gives the equal vector under one `id`, alone or beside other texts.
 * Calls may overlap; the vectors belong to the caller and have a buffer of their own.
 */
export interface EmbeddingModel {
  /** Name and all that changes a vector, so that vectors of two ids are never compared. */
  readonly id: string;
  readonly dimensions: number;
  /** The longest text, in tokens as `countTokens` counts them, that is embedded whole. What follows is cut off. */
  readonly maxTokens: number;
  /**
   * One unit vector per text, in the order given. Under load the call waits for its turn instead of failing.
   * @throws FreshetError `model-failed` when the model could not compute them, after one retry on a new worker.
   */
  embed(texts: readonly string[]): Promise<readonly Float32Array[]>;
  /** Tokens of the text without those the model adds itself. Synchronous; the sum over `tokenSpans`. */
  countTokens(text: string): number;
  /** The spans of the text in order, without the white space between them. For cutting chunks. */
  tokenSpans(text: string): readonly TokenSpan[];
  /** Ends the workers. Texts not embedded by then are rejected with `model-failed`. */
  close(): Promise<void>;
}
