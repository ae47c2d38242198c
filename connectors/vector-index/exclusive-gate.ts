/** Any number of calls at once, or one alone: what comes while one is alone waits. */
export class ExclusiveGate {
  readonly #inside = new Set<Promise<unknown>>();
  /** Never rejects. */
  #alone: Promise<void> | undefined;

  async share<T>(action: () => T | Promise<T>): Promise<T> {
    while (this.#alone !== undefined) await this.#alone;
    const running = (async () => action())();
    this.#inside.add(running);
    try {
      return await running;
    } finally {
      this.#inside.delete(running);
    }
  }

  /** Begins when every call inside has ended. An action that calls `share` and waits for it never ends. */
  async alone(action: () => Promise<void>): Promise<void> {
    while (this.#alone !== undefined) await this.#alone;
    const running = Promise.allSettled(this.#inside).then(action);
    this.#alone = running.then(
      () => {},
      () => {},
    );
    try {
      await running;
    } finally {
      this.#alone = undefined;
    }
  }
}
