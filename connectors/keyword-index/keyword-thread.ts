/** One thread of the keyword index, from its start to its end: a limit of the memory ends it, and not the process. */
import { Worker } from 'node:worker_threads';
import { toError } from '../../schemas/errors.ts';

export interface KeywordThread {
  tell(what: string, value?: unknown): void;
  /** Behind all that it was told before. Undefined once the thread has ended. */
  ask(what: string, value?: unknown): Promise<unknown>;
  end(reason: string): Promise<void>;
}

const MEBIBYTE = 1024 * 1024;

export interface KeywordMemory {
  /** Bytes that rows may take by estimate. */
  readonly maxBytes: number;
  /** What its heap is made for: an estimate as well, and more than the other where that one was found to fall short. */
  readonly heapFor: number;
}

export interface ThreadEnd {
  readonly reason: string;
  /** Whether its heap was full. */
  readonly ofMemory: boolean;
}

/** `onEnd`: once, whatever ended it. */
export const startKeywordThread = (
  { maxBytes, heapFor }: KeywordMemory,
  onEnd: (end: ThreadEnd) => void,
): KeywordThread => {
  const worker = new Worker(new URL('keyword-worker.mjs', import.meta.url), {
    workerData: { maxBytes },
    execArgv: [],
    // Twice the estimate, and what garbage collection needs.
    resourceLimits: { maxOldGenerationSizeMb: Math.ceil((2 * heapFor) / MEBIBYTE) + 128 },
  });
  const asked = new Map<number, (answer: unknown) => void>();
  let number = 0;
  let ended = false;

  const over = (reason: string, ofMemory = false): void => {
    if (ended) return;
    ended = true;
    for (const answer of asked.values()) answer(undefined);
    asked.clear();
    onEnd({ reason, ofMemory });
  };
  worker.on('error', (thrown: unknown) => {
    const error: NodeJS.ErrnoException = toError(thrown);
    over(error.message, error.code === 'ERR_WORKER_OUT_OF_MEMORY');
  });
  worker.on('exit', () => over('its thread ended'));
  worker.on('message', ({ ask, answer }: { readonly ask: number; readonly answer: unknown }) => {
    asked.get(ask)?.(answer);
    asked.delete(ask);
  });

  return {
    tell: (what, value) => {
      if (!ended) worker.postMessage({ what, value });
    },
    ask: (what, value) =>
      new Promise((resolve) => {
        if (ended) return resolve(undefined);
        number += 1;
        asked.set(number, resolve);
        worker.postMessage({ ask: number, what, value });
      }),
    end: async (reason) => {
      over(reason);
      await worker.terminate();
    },
  };
};
