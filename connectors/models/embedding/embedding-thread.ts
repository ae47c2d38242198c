import { SHARE_ENV, Worker } from 'node:worker_threads';
import { FreshetError, toError } from '../../../schemas/errors.ts';

export type EmbeddingThreadOptions = {
  /** The script of the thread: it posts 'ready', then answers each posted batch of token ids with its vectors. */
  readonly workerUrl: URL;
  readonly workerData: unknown;
  /** A start or a batch that takes longer, in milliseconds, counts as a crash: the thread is ended. */
  readonly timeoutMs: number;
};

/** A batch that lay with a thread that stopped, behind the one that it worked on: nothing is known against it. */
export class NotBegun extends Error {}

/** One worker thread that is started anew when it died. It computes one batch at a time, and others may lie with it meanwhile. */
export type EmbeddingThread = {
  /** Starts the thread if it is not running. @throws FreshetError `model-failed` */
  readonly start: () => Promise<void>;
  /**
   * Vectors of one batch. @throws FreshetError `model-failed` when the thread crashed, hung or could not start; NotBegun when
   * it did so in a batch before
   */
  readonly run: (batch: readonly Int32Array[]) => Promise<readonly Float32Array[]>;
  readonly close: () => Promise<void>;
};

type Waiting = { readonly resolve: (answer: unknown) => void; readonly reject: (error: Error) => void };

export const createEmbeddingThread = (options: EmbeddingThreadOptions): EmbeddingThread => {
  let worker: Worker | null = null;
  let starting: Promise<void> | null = null;
  /** Of the messages that are still to come, in their order. */
  let waiting: Waiting[] = [];
  let overdue: NodeJS.Timeout | undefined;
  let closed = false;

  const lose = (lost: Worker, cause: unknown) => {
    if (worker !== lost) return;
    worker = null;
    starting = null;
    clearTimeout(overdue);
    const [first, ...others] = waiting;
    waiting = [];
    void lost.terminate();
    const reason = `The embedding worker stopped: ${toError(cause).message}`;
    first?.reject(new FreshetError('model-failed', reason, { cause }));
    for (const { reject } of others) reject(new NotBegun(reason));
  };

  /** From now on the first of those that wait has its time. */
  const watch = (from: Worker): void => {
    clearTimeout(overdue);
    if (waiting.length === 0) return;
    overdue = setTimeout(
      () => lose(from, new Error(`no answer within ${options.timeoutMs} ms`)),
      options.timeoutMs,
    );
  };

  /** Waits for the thread's next message behind those that others wait for; its death or the timeout rejects. */
  const nextAnswer = (from: Worker): Promise<unknown> =>
    new Promise<unknown>((resolve, reject) => {
      waiting.push({ resolve, reject });
      if (waiting.length === 1) watch(from);
    });

  const launch = async () => {
    // No inherited execArgv: the parent's loader would only slow the start (120 instead of 45 ms).
    const launched = new Worker(options.workerUrl, {
      ...{ workerData: options.workerData, execArgv: [], env: SHARE_ENV },
    });
    worker = launched;
    launched.on('message', (answer: unknown) => {
      // What one that was given up still says is no answer to what the next one is asked.
      if (worker !== launched) return;
      const first = waiting.shift();
      watch(launched);
      first?.resolve(answer);
    });
    // What it has posted before comes with its exit, which always follows: only then it is known which batch was its last.
    let thrown: unknown;
    launched.on('error', (cause) => {
      thrown = cause;
    });
    launched.on('messageerror', (cause) => lose(launched, cause));
    launched.on('exit', (code) => lose(launched, thrown ?? new Error(`it exited with code ${code}`)));
    await nextAnswer(launched);
  };

  const start = async () => {
    if (closed) throw new FreshetError('model-failed', 'The embedding model is closed.');
    starting ??= launch();
    await starting;
  };

  return {
    start,
    run: async (batch) => {
      await start();
      if (worker === null)
        throw new FreshetError('model-failed', 'The embedding worker stopped before its batch.');
      const answer = nextAnswer(worker);
      worker.postMessage(batch);
      return (await answer) as readonly Float32Array[];
    },
    close: async () => {
      closed = true;
      const ending = worker;
      if (ending === null) return;
      lose(ending, new Error('the embedding model was closed'));
      await ending.terminate();
    },
  };
};
