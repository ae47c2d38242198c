/**
 * The places of a worker: so many executions act at once. One that has nothing to do but to wait leaves its place, and
 * comes back before any that has not begun; one that comes back only to end waits for no place: who holds them may be waiting for its
 * end. No I/O.
 */
export interface PoolPlace {
  /** Leaves the place for as long as something takes. `onlyEnds`: asked after it, whether nothing more is done but to end. */
  leaveWhile(wait: () => Promise<void>, onlyEnds?: () => boolean): Promise<void>;
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
  /** Resolves when nobody holds a place: what is begun only waits. */
  atRest(): Promise<void>;
}

/** `onFree`: a place may be taken. */
export const createWorkerPool = (places: number, onFree: () => void): WorkerPool => {
  let taken = 0;
  const returning: (() => void)[] = [];
  const runs = new Set<Promise<void>>();
  const resting: (() => void)[] = [];

  const leave = (): void => {
    // The place goes over to whoever comes back, without being free in between; one over their number goes to nobody.
    const next = taken <= places ? returning.shift() : undefined;
    if (next) {
      next();
      return;
    }
    taken -= 1;
    if (taken < places) onFree();
    if (taken === 0) for (const rest of resting.splice(0)) rest();
  };

  const comeBack = (): Promise<void> => {
    if (taken < places) {
      taken += 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => returning.push(resolve));
  };

  const place: PoolPlace = {
    leaveWhile: async (wait, onlyEnds = () => false) => {
      leave();
      try {
        await wait();
      } finally {
        if (onlyEnds()) taken += 1;
        else await comeBack();
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
    atRest: () => (taken === 0 ? Promise.resolve() : new Promise((resolve) => resting.push(resolve))),
    idle: async () => {
      await Promise.allSettled([...runs]);
    },
  };
};
