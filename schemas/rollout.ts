/**
 * A rollout: one attempt to have another version of an agent take the place of the one that its configuration runs. It holds
 * between these two versions alone: where the configuration does not run the stable one, it has moved on, and has the last word.
 */
export interface Rollout {
  readonly agent: string;
  /** When it began, microseconds since the Unix epoch: names it, and of two of an agent the later holds. */
  readonly began: number;
  /** The version that the configuration runs, */
  readonly stable: string;
  /** and the one that is tried. */
  readonly candidate: string;
  /** Of new tasks, those that the candidate gets: 0 to 1. */
  readonly share: number;
  /** Promoted: all tasks, share 1. Rolled back: none, share 0. */
  readonly state: 'canary' | 'promoted' | 'rolled-back';
}

/** What the gateway does by itself is done by this principal. */
export const FRESHET = 'freshet';
