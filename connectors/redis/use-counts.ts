/** How often a long-term memory was recalled, and when last: a hint for what to keep. Lost, memories decay by their age alone. */
export interface MemoryUse {
  readonly count: number;
  /** Microseconds since the Unix epoch. */
  readonly lastAt: number;
}

/** A namespace is one agent's memories in one tenant. Every method: error `unavailable`. */
export interface UseCounts {
  add(namespace: string, memoryIds: readonly string[], at: number): Promise<void>;
  read(namespace: string): Promise<ReadonlyMap<string, MemoryUse>>;
  forget(namespace: string, memoryIds: readonly string[]): Promise<void>;
}
