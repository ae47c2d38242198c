/** Decides when recent rows go into the next graph, and runs one build at a time beside queries and writes. */
export interface BuildActions {
  /** Rows in the graph, and how many rows and removals it lacks. */
  readonly standing: () => { readonly built: number; readonly pending: number };
  readonly build: () => Promise<void>;
}

/** A query compares its vector with each recent row: 1.3 ms for 20,000 of one tenant. */
const LEAST_ROWS = 4_000;
const MOST_ROWS = 20_000;
const SHARE_OF_INDEX = 0.2;
const PAUSE_AFTER_FAILURE_MILLISECONDS = 60_000;

/** A fifth of the graph, so that a growing index isn't built at every turn, but never so many that comparing shows. */
export const isBuildDue = (built: number, pending: number, leastRows = LEAST_ROWS): boolean =>
  pending >= Math.max(leastRows, Math.min(MOST_ROWS, SHARE_OF_INDEX * built));

export class BackgroundBuild {
  readonly #actions: BuildActions;
  readonly #leastRows: number;
  #running: Promise<void> | undefined;
  #holds = 0;
  #notBefore = 0;
  #failure: Error | undefined;

  constructor(actions: BuildActions, leastRows: number = LEAST_ROWS) {
    this.#actions = actions;
    this.#leastRows = leastRows;
  }

  get running(): boolean {
    return this.#running !== undefined;
  }

  /** Of the last build; undefined after one that went well. The index serves all the same, slower. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Starts a build where one is due. Never throws, never waits. */
  consider(): void {
    if (this.#running !== undefined || this.#holds > 0 || Date.now() < this.#notBefore) return;
    const { built, pending } = this.#actions.standing();
    if (isBuildDue(built, pending, this.#leastRows)) this.#running = this.#run();
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
