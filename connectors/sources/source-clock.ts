/** A lasting connection that says, again and again, where a source's log stands and what its clock says. */
export interface SourceMoment {
  /** What was committed before the question is at or before this position. */
  readonly position: string;
  /** The source's clock, microseconds since the Unix epoch. */
  readonly sourceAt: number;
}

export interface SourceClock {
  /**
   * Moves the log, so that a quiet source is not taken for a stalled one, and says where it then stands.
   * Errors: `source-unavailable`.
   */
  moment(): Promise<SourceMoment>;
  /** Writes the probe row of a source and commits it. Errors: `source-unavailable`. */
  writeProbe(source: string, tick: number): Promise<void>;
  close(): Promise<void>;
}
