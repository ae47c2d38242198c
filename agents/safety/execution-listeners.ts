/** Who is to hear of what is said: a word about one execution reaches its own listeners alone, however many wait beside it. */
export interface ExecutionListeners {
  /** Returns how it is taken off again. */
  add(executionId: string, listener: () => void): () => void;
  /** Calls those of one execution, or of all: each that listens now once, though it listens anew meanwhile. */
  tell(executionId: string | null): void;
}

export const createExecutionListeners = (): ExecutionListeners => {
  const byExecution = new Map<string, Set<() => void>>();
  return {
    add: (executionId, listener) => {
      const listeners = byExecution.get(executionId) ?? new Set();
      byExecution.set(executionId, listeners.add(listener));
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && byExecution.get(executionId) === listeners)
          byExecution.delete(executionId);
      };
    },
    tell: (executionId) => {
      const told = executionId === null ? [...byExecution.values()] : [byExecution.get(executionId) ?? []];
      for (const listener of told.flatMap((listeners) => [...listeners])) listener();
    },
  };
};
