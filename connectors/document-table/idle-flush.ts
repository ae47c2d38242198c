/**
 * Keeps a CrashMarker in step with writes: dirty before one, flushed and clean after a second without. A flush that failed is
 * the last: the system may have given up the pages and say of the next one that all is well (decision 10), so the files
 * count as torn, and whoever opens them next begins anew.
 */
import { FreshetError, toError } from '../../schemas/errors.ts';
import type { CrashMarker } from './crash-marker.ts';

const IDLE_MILLISECONDS = 1_000;

export class IdleFlush {
  readonly #marker: CrashMarker;
  readonly #flush: () => Promise<void>;
  #writes = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  #damage: FreshetError | undefined;

  /** `flush` brings every write to disk before it resolves, those of a process before that was killed too. */
  constructor(marker: CrashMarker, flush: () => Promise<void>) {
    this.#marker = marker;
    this.#flush = flush;
    if (marker.dirty) this.#wait();
  }

  /** Call before each write. Errors: `index-corrupt` after a flush that failed; else what the file system says. */
  writing(): void {
    if (this.#damage) throw this.#damage;
    this.#marker.markDirty();
    this.#writes += 1;
    this.#wait();
  }

  /** On disk when it resolves, whatever was written before the call. Errors: `index-corrupt` where a flush failed, now or before. */
  now(): Promise<void> {
    // One at a time: of two at once the system tells one of a failure, and the other that all is well.
    const flushed = this.#running.then(() => this.#flushed());
    this.#running = flushed.catch(() => undefined);
    return flushed;
  }

  /** What lies there is damaged: nothing is written to it or flushed any more, and the next opening begins anew. */
  condemn(damage: FreshetError): void {
    this.#damage ??= damage;
    this.stop();
    this.#marker.markTorn();
  }

  /** Once no flush is under way: what is flushed must not be closed before. */
  settled(): Promise<void> {
    return this.#running;
  }

  /** It flushes by itself no more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #flushed(): Promise<void> {
    if (this.#damage) throw this.#damage;
    if (!this.#marker.dirty) return;
    const writes = this.#writes;
    try {
      await this.#flush();
    } catch (thrown) {
      const cause = toError(thrown);
      const message = `what was written could not be flushed (${cause.message}): it is read anew from the log`;
      this.condemn(new FreshetError('index-corrupt', message, { cause }));
    }
    if (this.#damage) throw this.#damage;
    if (writes === this.#writes) this.#marker.markClean();
  }

  #wait(): void {
    if (this.#stopped || this.#timer !== undefined) return;
    const writes = this.#writes;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (writes !== this.#writes) this.#wait();
      // What was flushed and could not be marked as clean is marked later; the next write says what could not be flushed.
      else this.now().catch(() => this.#wait());
    }, IDLE_MILLISECONDS).unref();
  }
}
