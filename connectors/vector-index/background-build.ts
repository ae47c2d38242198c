/** Decides when recent rows go into the next graph, and runs one build at a time beside queries and writes. */
import { type ArrivalRate, noArrivals, withArrivals } from './arrival-rate.ts';

export interface Standing {
  /** Rows in the graph. */
  readonly built: number;
  /** Rows that it lacks, or rows in it that are removed, whichever are more: an update is one of each. */
  readonly pending: number;
  /** Whether they fill half of the memory that they may take. */
  readonly crowded: boolean;
}

export interface BuildActions {
  readonly standing: () => Standing;
  readonly build: () => Promise<void>;
}

/** A query compares its vector with each recent row: 1.3 ms for 20,000 of one tenant. */
const LEAST_ROWS = 4_000;
const MOST_ROWS = 20_000;
const SHARE_OF_INDEX = 0.2;
/** Rows a second that are a load: each build copies the graph, so one for some thousands of them is work thrown away. */
const LOADING_RATE = 500;
const MOST_ROWS_LOADING = 50_000;
const PAUSE_AFTER_FAILURE_MILLISECONDS = 60_000;
const LOOK_AGAIN_MILLISECONDS = 500;

export interface BuildBounds {
  /** Recent rows that start a build, at least. */
  readonly leastRows: number;
  /** The same while a load is under way. */
  readonly rowsInLoad: number;
}

const BOUNDS: BuildBounds = { leastRows: LEAST_ROWS, rowsInLoad: MOST_ROWS_LOADING };

/** A fifth of the graph, so that a growing index isn't built at every turn, but never so many that comparing shows. */
export const isBuildDue = (
  { built, pending, crowded }: Standing,
  rowsASecond: number,
  { leastRows, rowsInLoad } = BOUNDS,
): boolean => {
  if (crowded && pending > 0) return true;
  const share = Math.min(MOST_ROWS, SHARE_OF_INDEX * built);
  return pending >= Math.max(rowsASecond > LOADING_RATE ? rowsInLoad : leastRows, share);
};

export class BackgroundBuild {
  readonly #actions: BuildActions;
  readonly #bounds: BuildBounds;
  #arrivals: ArrivalRate = noArrivals(performance.now());
  #running: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;
  #holds = 0;
  #notBefore = 0;
  #failure: Error | undefined;

  constructor(actions: BuildActions, bounds: BuildBounds = BOUNDS) {
    this.#actions = actions;
    this.#bounds = bounds;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  /** Of the last build; undefined after one that went well. The index serves all the same, slower. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Rows or removals came: starts a build where one is due. Never throws, never waits. */
  arrived(rows: number): void {
    this.#arrivals = withArrivals(this.#arrivals, performance.now(), rows);
    this.consider();
  }

  /** Starts a build where one is due. Never throws, never waits. */
  consider(): void {
    if (this.#running !== undefined || this.#holds > 0) return;
    // Writes may be refused for want of a build, so that nothing else would ask for it again.
    if (Date.now() < this.#notBefore) {
      this.#considerIn(this.#notBefore - Date.now());
      return;
    }
    const standing = this.#actions.standing();
    this.#arrivals = withArrivals(this.#arrivals, performance.now(), 0);
    const { rowsASecond } = this.#arrivals;
    if (isBuildDue(standing, rowsASecond, this.#bounds)) this.#running = this.#run();
    // The load that holds it back may end with this very row, and then nobody else would ask.
    else if (isBuildDue(standing, 0, this.#bounds)) this.#considerIn(LOOK_AGAIN_MILLISECONDS);
  }

  /** Waits for a running build. */
  async ended(): Promise<void> {
    await this.#running;
  }

  /** Waits for a running build and starts no other before release. */
  async hold(): Promise<void> {
    this.#holds += 1;
    while (this.#running !== undefined) await this.#running;
  }

  release(): void {
    this.#holds -= 1;
    this.consider();
  }

  #considerIn(milliseconds: number): void {
    if (this.#later !== undefined) return;
    this.#later = setTimeout(() => {
      this.#later = undefined;
      this.consider();
    }, milliseconds);
    this.#later.unref();
  }

  async #run(): Promise<void> {
    try {
      await this.#actions.build();
      this.#failure = undefined;
    } catch (thrown) {
      this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown));
      this.#notBefore = Date.now() + PAUSE_AFTER_FAILURE_MILLISECONDS;
    }
    this.#running = undefined;
    this.consider();
  }
}
