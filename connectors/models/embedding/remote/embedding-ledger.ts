/** Told of every request that may cost money, before and after it: invariant I3. */
export type EmbeddingSpend = {
  readonly model: string;
  readonly tenant: string | null;
  /** Tokens that the request cannot exceed. */
  readonly boundTokens: number;
};

export interface EmbeddingLedger {
  /**
   * Resolves once the reservation stands: only then is the request sent. What is settled takes its place; what never is,
   * as its outcome was lost, counts as spent.
   */
  reserve(spend: EmbeddingSpend): Promise<{ settle(tokens: number): void }>;
}
