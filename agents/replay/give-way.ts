/** Lets others have their turn: decoding waits for nothing, so a long reading would hold up every request of its process. */
import { setImmediate } from 'node:timers/promises';

const HELD_MS = 10;

/** Resolves at once, or in the next turn where this one has been held for a while. */
export const createTurn = (): (() => Promise<void>) => {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < HELD_MS) return;
    await setImmediate();
    since = performance.now();
  };
};
