/** What an execution was given to remember, as it stands in the journal: a replay sees what was seen (I10). Plain JSON. */

/** Where a memory came from at its worst, the least trusted last: nothing of it is an instruction to anyone. */
export const MEMORY_ORIGINS = ['user', 'model', 'retrieved', 'tool'] as const;
export type MemoryOrigin = (typeof MEMORY_ORIGINS)[number];

/** Of things made from one another, the least trusted origin; one that is not known is not trusted. */
export const leastTrusted = (origins: readonly MemoryOrigin[]): MemoryOrigin => {
  if (origins.some((origin) => !MEMORY_ORIGINS.includes(origin))) return 'tool';
  return MEMORY_ORIGINS.findLast((origin) => origins.includes(origin)) ?? 'user';
};

/** Where in the journal something was written: the event that ended the execution. */
export interface JournalPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** A question that was answered in the same session. */
export interface SessionTurn {
  readonly executionId: string;
  readonly place: JournalPlace;
  /** Microseconds since the Unix epoch. */
  readonly at: number;
  readonly question: string;
  readonly answer: string;
  /** Of the answer: the least trusted of what it was made from. */
  readonly origin: MemoryOrigin;
}

export interface RecalledMemory {
  readonly memoryId: string;
  readonly kind: 'summary' | 'behaviour' | 'fact';
  readonly origin: MemoryOrigin;
  readonly title: string;
  readonly text: string;
  /** Cosine similarity to the question. */
  readonly similarity: number;
  /** Similarity weighed by age and use: the order they stand in. */
  readonly score: number;
  readonly uses: number;
  /** When it was last learned, microseconds since the Unix epoch. */
  readonly at: number;
  /** `gate: reason` of what a gate saw in it and let pass. */
  readonly flags: readonly string[];
}

/**
 * Of the session: `none` where none was named or is kept, `new` where nothing was said in it yet, `ended` where it was quiet for
 * too long, `rebuilding` while turns are read from the journal again, `unavailable` where they cannot be read.
 */
export type SessionState = 'none' | 'new' | 'known' | 'ended' | 'rebuilding' | 'unavailable';

export interface Recollection {
  readonly session: SessionState;
  /** Oldest first. */
  readonly turns: readonly SessionTurn[];
  /** `unavailable` where the index did not answer in time; `none` where none are kept. */
  readonly longTerm: 'none' | 'known' | 'unavailable';
  /** Best first. */
  readonly memories: readonly RecalledMemory[];
}

export const NOTHING_RECALLED: Recollection = { session: 'none', turns: [], longTerm: 'none', memories: [] };

/** What the `name` of a `memory-update` event is that carries a Recollection as its output. */
export const RECALL = 'recall';

/** Null where the text is none: what stands in a store may be anyone's. */
export const parseSessionTurn = (text: string): SessionTurn | null => {
  try {
    const value = JSON.parse(text) as Partial<SessionTurn> | null;
    return value && typeof value.executionId === 'string' && typeof value.place?.offset === 'number'
      ? (value as SessionTurn)
      : null;
  } catch {
    return null;
  }
};

/** Null where what was parsed is none. */
const recollectionIn = (parsed: unknown): Recollection | null => {
  const value = parsed as Partial<Recollection> | null;
  return value && Array.isArray(value.turns) && Array.isArray(value.memories)
    ? (value as Recollection)
    : null;
};

/** Null where the text is none: the journal can be written by anyone who reaches Kafka. */
export const parseRecollection = (text: string | null): Recollection | null => {
  if (text === null) return null;
  try {
    return recollectionIn(JSON.parse(text));
  } catch {
    return null;
  }
};

/** The least trusted of what an execution was given to remember; `user` where that was nothing. */
export const originOfRecalled = (parsed: unknown): MemoryOrigin => {
  const { turns = [], memories = [] } = recollectionIn(parsed) ?? {};
  return leastTrusted([...turns, ...memories].map(({ origin }) => origin));
};
