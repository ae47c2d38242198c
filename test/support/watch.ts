/** Looks again and again beside a test, so that what is there for a moment only is seen. */
export interface Watch {
  readonly sightings: readonly string[];
  looks(): number;
  stop(): Promise<void>;
}

/** `look` says what it saw that must not be, or undefined. A look that fails is no look. */
export const startWatch = (look: () => Promise<string | undefined>): Watch => {
  const sightings: string[] = [];
  let looks = 0;
  let stopped = false;
  const run = (async () => {
    while (!stopped) {
      const seen = await look().catch(() => 'away' as const);
      if (seen !== 'away') looks += 1;
      if (seen && seen !== 'away') sightings.push(seen);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  return {
    sightings,
    looks: () => looks,
    stop: async () => {
      stopped = true;
      await run;
    },
  };
};
