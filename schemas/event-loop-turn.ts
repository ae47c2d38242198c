/** Resolves with the next turn of the event loop: what is ready to be read or written meanwhile is. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
