/** Keeps a CrashMarker in step with writes: dirty before one, flushed and clean after a second without. */
import type { CrashMarker } from './crash-marker.ts';

const IDLE_MILLISECONDS = 1_000;

export class IdleFlush {
  readonly #marker: CrashMarker;
  readonly #flush: () => Promise<void>;
  #writes = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  /** `flush` brings every write to disk before it resolves, those of a process before that was killed too. */
  constructor(marker: CrashMarker, flush: () => Promise<void>) {
    this.#marker = marker;
    this.#flush = flush;
    if (marker.dirty) this.#wait();
  }

  /** Call before each write. Throws what the file system says. */
  writing(): void {
    this.#marker.markDirty();
    this.#writes += 1;
    this.#wait();
  }

  /** On disk when it resolves, whatever was written before the call. Rejects with what `flush` says. */
  async now(): Promise<void> {
    if (!this.#marker.dirty) return;
    const writes = this.#writes;
    await this.#flush();
    if (writes === this.#writes) this.#marker.markClean();
  }

  /** It flushes by itself no more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    if (this.#stopped || this.#timer !== undefined) return;
    const writes = this.#writes;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (writes !== this.#writes) this.#wait();
      // What fails here stays dirty and is tried again; a call of now() says so.
      else this.now().catch(() => this.#wait());
    }, IDLE_MILLISECONDS).unref();
  }
}
