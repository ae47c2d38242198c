/**
 * The turns of conversations, near at hand: a copy of what the journal says, capped and short-lived. Whoever reads it is told
 * whether it is whole, for a store that lost its memory looks like one in which nothing was ever said.
 */
import type { SessionPolicy } from '../../schemas/memory-policy.ts';
import type { SessionTurn } from '../../schemas/recollection.ts';

export interface SessionKey {
  readonly tenant: string;
  readonly agent: string;
  readonly sessionId: string;
}

export interface StoredSession {
  /** False where the store lost what it held of the journal's partition, or never had it: turns may be missing. */
  readonly whole: boolean;
  /** In the order of the journal. */
  readonly turns: readonly SessionTurn[];
}

export interface WrittenTurn {
  /** False: it stood there already, or was moved on before. */
  readonly written: boolean;
  /** What the session holds now. */
  readonly turns: number;
  readonly characters: number;
}

/** Every method: error `unavailable` where the store does not answer within a second. */
export interface SessionStore {
  /** `partition`: of the journal, where the session's executions stand. */
  read(key: SessionKey, partition: number): Promise<StoredSession>;
  /**
   * Idempotent by execution. Twice the policy's caps are never passed: the oldest go then, whether they were moved or not.
   */
  write(key: SessionKey, turn: SessionTurn, policy: SessionPolicy): Promise<WrittenTurn>;
  /** Takes turns out that were summarised or forgotten: no repeated write brings them, or older ones, back. */
  remove(key: SessionKey, turns: readonly SessionTurn[]): Promise<void>;
  /** Takes single turns out, wherever they stand; a repeated write could bring them back. */
  drop(key: SessionKey, executionIds: readonly string[]): Promise<number>;
  /**
   * Sessions that were quiet for their time, longest first, each given to one asker for `leaseMs`. One that is asked
   * for again was not finished. `now` in milliseconds since the Unix epoch.
   */
  due(now: number, leaseMs: number, most: number): Promise<readonly SessionKey[]>;
  /** Nothing more is to be done for a session, unless something is said in it again. */
  settled(key: SessionKey): Promise<void>;
  /** Sessions that hold turns, in any order, `most` at most. */
  list(wanted: (key: SessionKey) => boolean, most: number): Promise<readonly SessionKey[]>;
  /** Which life of the store this is: another one has forgotten what was written before. */
  life(): Promise<string>;
  /** What the journal says of this partition was written in that life. */
  complete(partition: number, life: string): Promise<void>;
  /** It does not any more: something could not be written. */
  incomplete(partition: number): Promise<void>;
  close(): Promise<void>;
}
