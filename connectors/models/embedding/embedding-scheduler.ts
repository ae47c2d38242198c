import { FreshetError, toFreshetError } from '../../../schemas/errors.ts';
import { type BatchLimits, cutBatch } from './cut-batch.ts';
import { type EmbeddingThread, NotBegun } from './embedding-thread.ts';

export type EmbeddingSchedulerOptions = {
  readonly threads: readonly EmbeddingThread[];
  readonly encode: (text: string) => Int32Array;
  readonly limits: BatchLimits;
  /** Texts that stand tokenized in the queue. Callers beyond it wait, one text of each in turn. */
  readonly queueLimit: number;
};

type Caller = {
  readonly texts: readonly string[];
  readonly vectors: Float32Array[];
  readonly resolve: (vectors: readonly Float32Array[]) => void;
  readonly reject: (error: FreshetError) => void;
  admitted: number;
  left: number;
};
type QueuedText = { readonly ids: Int32Array; readonly caller: Caller; readonly position: number };

/**
 * Shares the threads between all callers by natural batching: an idle thread takes what is queued now and never waits
 * for more, so one text at rest goes at once and batches grow only while all threads are busy. Where more is queued than fits
 * into a batch, a busy thread is handed its next one ahead: it need not stand still until the event loop comes to it.
 */
export class EmbeddingScheduler {
  readonly #options: EmbeddingSchedulerOptions;
  readonly #idle: EmbeddingThread[];
  /** With one batch each. */
  readonly #busy = new Set<EmbeddingThread>();
  #queue: QueuedText[] = [];
  #waiting: Caller[] = [];
  #closed = false;

  constructor(options: EmbeddingSchedulerOptions) {
    this.#options = options;
    this.#idle = [...options.threads];
  }

  /** Vectors in the order of the texts. @throws FreshetError `model-failed` once one text failed twice */
  embed(texts: readonly string[]): Promise<readonly Float32Array[]> {
    if (this.#closed)
      return Promise.reject(new FreshetError('model-failed', 'The embedding model is closed.'));
    if (texts.length === 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ texts, vectors: [], resolve, reject, admitted: 0, left: texts.length });
      // After this turn of the loop, so that texts asked for together are seen together.
      queueMicrotask(() => this.#dispatch());
    });
  }

  /** Ends the threads; whoever still waits is rejected with `model-failed`. */
  async close(): Promise<void> {
    this.#closed = true;
    const error = new FreshetError('model-failed', 'The embedding model was closed.');
    for (const caller of [...this.#waiting, ...this.#queue.map((text) => text.caller)]) caller.reject(error);
    this.#waiting = [];
    this.#queue = [];
    await Promise.all(this.#options.threads.map((thread) => thread.close()));
  }

  #dispatch(): void {
    this.#admit();
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      if (this.#queue.length === 0) {
        this.#idle.push(idle);
        return;
      }
      this.#busy.add(idle);
      void this.#run(idle, this.#take(this.#cut(this.#idle.length + 1)));
    }
    for (const thread of this.#busy) {
      if (this.#queue.length === 0) return;
      const positions = this.#cut(1);
      // What fits into one batch waits for what may still join it.
      if (positions.size === this.#queue.length) return;
      this.#busy.delete(thread);
      void this.#run(thread, this.#take(positions));
    }
  }

  /** Positions in the queue. */
  #cut(idleThreads: number): ReadonlySet<number> {
    const lengths = this.#queue.map((text) => text.ids.length);
    return new Set(cutBatch(lengths, this.#options.limits, idleThreads));
  }

  #take(positions: ReadonlySet<number>): readonly QueuedText[] {
    const batch = this.#queue.filter((_, position) => positions.has(position));
    this.#queue = this.#queue.filter((_, position) => !positions.has(position));
    this.#admit();
    return batch;
  }

  /** Takes one text of each waiting caller in turn, so that a caller of thousands does not hold up a caller of one. */
  #admit(): void {
    while (this.#queue.length < this.#options.queueLimit) {
      const caller = this.#waiting.shift();
      if (caller === undefined) return;
      const text = caller.texts[caller.admitted];
      if (text === undefined) continue;
      try {
        this.#queue.push({ ids: this.#options.encode(text), caller, position: caller.admitted });
      } catch (thrown) {
        caller.reject(toFreshetError(thrown));
        continue;
      }
      caller.admitted += 1;
      if (caller.admitted < caller.texts.length) this.#waiting.push(caller);
    }
  }

  async #run(thread: EmbeddingThread, batch: readonly QueuedText[]): Promise<void> {
    const ids = batch.map((text) => text.ids);
    try {
      // A failed run has ended its thread: the second one starts a new one.
      const vectors = await thread.run(ids).catch((thrown: unknown) => {
        if (thrown instanceof NotBegun) throw thrown;
        return thread.run(ids);
      });
      for (const [place, text] of batch.entries()) this.#settle(text, vectors[place]);
    } catch (thrown) {
      if (thrown instanceof NotBegun && !this.#closed) {
        this.#queue.unshift(...batch);
        return;
      }
      const error =
        thrown instanceof NotBegun
          ? new FreshetError('model-failed', thrown.message)
          : toFreshetError(thrown);
      const failed = new Set(batch.map((text) => text.caller));
      for (const caller of failed) caller.reject(error);
      // Their other texts are of no use to anyone any more.
      this.#queue = this.#queue.filter((text) => !failed.has(text.caller));
      this.#waiting = this.#waiting.filter((caller) => !failed.has(caller));
    } finally {
      if (this.#busy.delete(thread)) this.#idle.push(thread);
      else this.#busy.add(thread);
      if (!this.#closed) this.#dispatch();
    }
  }

  #settle(text: QueuedText, vector: Float32Array | undefined): void {
    const { caller } = text;
    if (vector === undefined) {
      caller.reject(new FreshetError('model-failed', 'The embedding worker answered with too few vectors.'));
      return;
    }
    caller.vectors[text.position] = vector;
    caller.left -= 1;
    if (caller.left === 0) caller.resolve(caller.vectors);
  }
}
