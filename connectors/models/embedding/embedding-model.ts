/** The smallest piece of a text whose token count is known: a word, a punctuation mark, one CJK character. */
export type TokenSpan = {
  /** Offsets into the text in UTF-16 code units, end exclusive, as `String.prototype.slice` takes them. */
  readonly start: number;
  readonly end: number;
  /** Tokens of this span; 0 for a span of invisible control characters. */
  readonly tokens: number;
};

/** What a text is for: some models make other vectors of questions than of what is searched. */
export type EmbeddingPurpose = 'document' | 'query';

export type EmbeddingContext = {
  /** Default `document`. */
  readonly purpose?: EmbeddingPurpose;
  /** Whose texts they are: the money spent on them is theirs. */
  readonly tenant?: string;
  /** Asked before a provider is: once nobody waits for the vectors, it is not, and the call ends as `model-failed`. */
  readonly wanted?: () => boolean;
};

/**
 * Turns texts into vectors. Equal text for an equal purpose gives the equal vector under one `id`, alone or beside other
 * texts. Calls may overlap; the vectors belong to the caller and have a buffer of their own.
 */
export interface EmbeddingModel {
  /** Name and all that changes a vector, so that vectors of two ids are never compared. */
  readonly id: string;
  readonly dimensions: number;
  /** The longest text, in tokens as `countTokens` counts them, that is embedded whole. What follows is cut off. */
  readonly maxTokens: number;
  /**
   * One unit vector per text, in the order given; an empty one for a text that the model refuses whatever stands beside
   * it and will refuse again, so that one text does not hold up all others. Under load the call waits for its turn.
   * @throws FreshetError `model-failed` when the model could not compute them, after retries: try again later
   */
  embed(texts: readonly string[], context?: EmbeddingContext): Promise<readonly Float32Array[]>;
  /** Tokens of the text without those the model adds itself, estimated where the model's own count is not known. Synchronous; the sum over `tokenSpans`. */
  countTokens(text: string): number;
  /** The spans of the text in order, without the white space between them. For cutting chunks. */
  tokenSpans(text: string): readonly TokenSpan[];
  /** Ends what runs. Texts not embedded by then are rejected with `model-failed`. */
  close(): Promise<void>;
}
