/** Decides when recent rows go into the next graph, and runs one build at a time beside queries and writes. */
import { type ArrivalRate, noArrivals, withArrivals } from './arrival-rate.ts';
import type { ByLevel, Level } from './tiers.ts';

export interface Standing {
  /** Rows in the graphs, removed or not. */
  readonly built: ByLevel<number>;
  /** Those of them that are removed. */
  readonly removed: ByLevel<number>;
  /** Rows that no graph has. */
  readonly recent: number;
  /** Whether they fill most of the memory that they may take, or their log is far longer than they are. */
  readonly crowded: boolean;
}

export interface BuildActions {
  readonly standing: () => Standing;
  readonly build: (into: Level) => Promise<void>;
}

/** A query compares its vector with each recent row: 0.4 ms for 10,000 of one tenant. */
const LEAST_ROWS = 4_000;
const MOST_ROWS = 20_000;
/** Of the graph that takes them in. */
const SHARE_OF_GRAPH = 0.2;
const SHARE_OF_SMALL = 0.1;
/** From there on a build takes so long (1,000,000 rows: 40 s of a core, 5 GB read and written) that searches feel it. */
const SMALL_BESIDE_ROWS = 100_000;
/** What came since, or went, as a share of the large graph: so much of it makes the next one worth its while. */
const SHARE_OF_LARGE = 0.1;
/** And no more than that: the small graph is to be made in seconds. */
const MOST_APART = 200_000;
/** Rows a second that are a load: each build copies its graph, so one for some thousands of them is work thrown away. */
const LOADING_RATE = 500;
const MOST_ROWS_LOADING = 50_000;
const PAUSE_AFTER_FAILURE_MILLISECONDS = 60_000;
/** A large graph takes twice its own space: without it, the small one goes on. */
const LARGE_AGAIN_MILLISECONDS = 600_000;
const LOOK_AGAIN_MILLISECONDS = 500;

export interface BuildBounds {
  /** Recent rows that start a build, at least. */
  readonly leastRows: number;
  /** The same while a load is under way. */
  readonly rowsInLoad: number;
  /** Rows of the large graph from which on a small one stands beside it. */
  readonly smallBesideRows: number;
}

const BOUNDS: BuildBounds = {
  leastRows: LEAST_ROWS,
  rowsInLoad: MOST_ROWS_LOADING,
  smallBesideRows: SMALL_BESIDE_ROWS,
};

/**
 * The graph to build now. Recent rows go into a graph at a share of it, so that a growing one isn't built at every turn, but
 * never so many that comparing shows; where the large one takes long, they go into the small one, and with it into the large one
 * at a share of that. An update is a row that is removed and one that is new: there it counts once.
 */
export const nextBuild = (
  { built, removed, recent, crowded }: Standing,
  rowsASecond: number,
  { leastRows, rowsInLoad, smallBesideRows } = BOUNDS,
  /** The large graph could not be built a while ago. */
  largeFailed = false,
): Level | undefined => {
  const least = crowded ? 1 : rowsASecond > LOADING_RATE ? rowsInLoad : leastRows;
  if (built.large < smallBesideRows) {
    const share = crowded ? 0 : Math.min(MOST_ROWS, SHARE_OF_GRAPH * built.large);
    // Both: of a graph of which most is removed, a search asks twice.
    return recent + built.small + removed.large >= Math.max(least, share) ? 'large' : undefined;
  }
  const apart = Math.max(recent + built.small, removed.large);
  const waiting = Math.max(recent, removed.small);
  const much = apart >= Math.min(MOST_APART, SHARE_OF_LARGE * built.large);
  if (much && !largeFailed && Math.max(waiting, removed.large) >= least) return 'large';
  const share = crowded ? 0 : Math.min(MOST_ROWS, SHARE_OF_SMALL * built.small);
  return waiting >= Math.max(least, share) ? 'small' : undefined;
};

export class BackgroundBuild {
  readonly #actions: BuildActions;
  readonly #bounds: BuildBounds;
  #arrivals: ArrivalRate = noArrivals(performance.now());
  #running: Promise<void> | undefined;
  #later: NodeJS.Timeout | undefined;
  #holds = 0;
  #notBefore = 0;
  #largeNotBefore = 0;
  #failure: Error | undefined;

  constructor(actions: BuildActions, bounds: Partial<BuildBounds> = {}) {
    this.#actions = actions;
    this.#bounds = { ...BOUNDS, ...bounds };
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
    const largeFailed = Date.now() < this.#largeNotBefore;
    const into = nextBuild(standing, rowsASecond, this.#bounds, largeFailed);
    if (into) this.#running = this.#run(into);
    // The load that holds it back may end with this very row, and then nobody else would ask.
    else if (nextBuild(standing, 0, this.#bounds, largeFailed)) this.#considerIn(LOOK_AGAIN_MILLISECONDS);
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

  async #run(into: Level): Promise<void> {
    try {
      await this.#actions.build(into);
      this.#failure = undefined;
    } catch (thrown) {
      this.#failure = thrown instanceof Error ? thrown : new Error(String(thrown));
      this.#notBefore = Date.now() + PAUSE_AFTER_FAILURE_MILLISECONDS;
      if (into === 'large') this.#largeNotBefore = Date.now() + LARGE_AGAIN_MILLISECONDS;
    }
    this.#running = undefined;
    this.consider();
  }
}
