/**
 * Decides when rows that were written since are built into the graph, and runs one build at a time beside queries and
 * writes. A row not yet built is found by a scan: 13 CPU-ms a query for 100,000 of them.
 */
export interface BuildActions {
  /** Rows held, and how many of them a query has to scan. */
  readonly standing: () => { readonly rows: number; readonly unbuilt: number };
  readonly build: () => Promise<void>;
}

const LEAST_ROWS = 5_000;
const MOST_ROWS = 20_000;
const SHARE_OF_INDEX = 0.2;
const PAUSE_AFTER_FAILURE_MILLISECONDS = 60_000;

/** A fifth of the index, so that building costs a bounded number of passes, but never so many that scanning shows. */
export const isBuildDue = (rows: number, unbuilt: number, leastRows = LEAST_ROWS): boolean =>
  unbuilt >= Math.max(leastRows, Math.min(MOST_ROWS, SHARE_OF_INDEX * (rows - unbuilt)));

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
    const { rows, unbuilt } = this.#actions.standing();
    if (!isBuildDue(rows, unbuilt, this.#leastRows)) return;
    this.#running = this.#run();
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
