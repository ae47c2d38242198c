/**
 * The places of a worker: so many executions act at once. One that has nothing to do but to wait leaves its place, and
 * comes back before any that has not begun. No I/O.
 */
export interface PoolPlace {
  /** Leaves the place for as long as something takes. */
  leaveWhile(wait: () => Promise<void>): Promise<void>;
}

export interface WorkerPool {
  /** Whether one that has not begun may take a place. */
  hasFree(): boolean;
  /** Takes a place for as long as the run takes. */
  run(work: (place: PoolPlace) => Promise<void>): Promise<void>;
  /** Runs begun and not ended, waiting ones included. */
  begun(): number;
  /** Resolves when nothing is begun any more. */
  idle(): Promise<void>;
}

/** `onFree`: a place may be taken. */
export const createWorkerPool = (places: number, onFree: () => void): WorkerPool => {
  let taken = 0;
  const returning: (() => void)[] = [];
  const runs = new Set<Promise<void>>();

  const leave = (): void => {
    const next = returning.shift();
    // The place goes over to whoever comes back, without being free in between.
    if (next) {
      next();
      return;
    }
    taken -= 1;
    onFree();
  };

  const comeBack = (): Promise<void> => {
    if (taken < places) {
      taken += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => returning.push(resolve));
  };

  const place: PoolPlace = {
    leaveWhile: async (wait) => {
      leave();
      try {
        await wait();
      } finally {
        await comeBack();
      }
    },
  };

  return {
    hasFree: () => taken < places && returning.length === 0,
    run: (work) => {
      taken += 1;
      const run: Promise<void> = work(place).finally(() => {
        runs.delete(run);
        leave();
      });
      runs.add(run);
      return run;
    },
    begun: () => runs.size,
    idle: async () => {
      await Promise.allSettled([...runs]);
    },
  };
};
