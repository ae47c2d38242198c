/**
 * The scratch of executions, in the process alone: gone at their end, and before it where there is too much. Nothing is
 * promised to be there; a takeover begins with none. Least recently used executions go first, and within one its oldest entry.
 */
export interface EphemeralMemory {
  get(executionId: string, name: string): string | undefined;
  set(executionId: string, name: string, value: string): void;
  end(executionId: string): void;
  stats(): { readonly executions: number; readonly characters: number };
}

export interface EphemeralLimits {
  readonly maxExecutions: number;
  readonly maxEntries: number;
  /** Of names and values of all executions. */
  readonly maxCharacters: number;
}

const LIMITS: EphemeralLimits = { maxExecutions: 10_000, maxEntries: 100, maxCharacters: 16 * 1024 * 1024 };

interface Scratch {
  readonly entries: Map<string, string>;
  characters: number;
}

export const createEphemeralMemory = (limits: EphemeralLimits = LIMITS): EphemeralMemory => {
  const scratches = new Map<string, Scratch>();
  let characters = 0;

  const end = (executionId: string): void => {
    characters -= scratches.get(executionId)?.characters ?? 0;
    scratches.delete(executionId);
  };
  const touch = (executionId: string, scratch: Scratch): void => {
    scratches.delete(executionId);
    scratches.set(executionId, scratch);
  };
  const remove = (scratch: Scratch, name: string): void => {
    const value = scratch.entries.get(name);
    if (value === undefined) return;
    scratch.entries.delete(name);
    scratch.characters -= name.length + value.length;
    characters -= name.length + value.length;
  };

  return {
    get: (executionId, name) => {
      const scratch = scratches.get(executionId);
      if (!scratch) return undefined;
      touch(executionId, scratch);
      return scratch.entries.get(name);
    },
    set: (executionId, name, value) => {
      const size = name.length + value.length;
      const scratch = scratches.get(executionId) ?? { entries: new Map<string, string>(), characters: 0 };
      touch(executionId, scratch);
      remove(scratch, name);
      if (size > limits.maxCharacters) return;
      scratch.entries.set(name, value);
      scratch.characters += size;
      characters += size;
      const [first] = scratch.entries.keys();
      if (scratch.entries.size > limits.maxEntries && first !== undefined) remove(scratch, first);
      while (scratches.size > limits.maxExecutions || characters > limits.maxCharacters) {
        const [oldest] = scratches.keys();
        if (oldest === undefined) break;
        // The last one left is over the limit by its own entries: its oldest go.
        const [entry] = scratch.entries.keys();
        if (oldest === executionId && entry !== undefined) remove(scratch, entry);
        else end(oldest);
      }
    },
    end,
    stats: () => ({ executions: scratches.size, characters }),
  };
};

/** That of one execution. */
export const scratchOf = (
  memory: Pick<EphemeralMemory, 'get' | 'set'>,
  executionId: string,
): { get(name: string): string | undefined; set(name: string, value: string): void } => ({
  get: (name) => memory.get(executionId, name),
  set: (name, value) => memory.set(executionId, name, value),
});
