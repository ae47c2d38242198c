/**
 * Tells at opening whether the operating system went down while the table's files were not all on disk. Beside the
 * table stands one small file: `clean`, or `dirty <boot id>` from before the first write until after the next flush.
 * Dirty with this boot's id means that only the process died: the page cache still held every write, nothing is lost.
 * `torn` means that a flush failed, after which nobody knows what is on disk.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { replaceDurably } from '../files/replace-durably.ts';
import { bootId } from './boot-id.ts';

const CLEAN = 'clean';
const TORN = 'torn';

export class CrashMarker {
  readonly #path: string;
  readonly #boot: string;
  #dirty: boolean;
  /** False from before the file is replaced until that is on disk. */
  #sure = true;
  /** True where the files may be torn: the operating system went down with writes not on disk, or a flush failed. */
  readonly torn: boolean;

  constructor(path: string, boot: string = bootId()) {
    this.#path = path;
    this.#boot = boot;
    const held = this.#read();
    this.#dirty = held === this.#text(true);
    this.torn = held !== undefined && held !== CLEAN && !this.#dirty;
  }

  get dirty(): boolean {
    return this.#dirty;
  }

  /** Before a write: on disk when it returns, so that no page of the write can be there without it. */
  markDirty(): void {
    if (this.#dirty && this.#sure) return;
    this.#write(true);
  }

  /** After a flush that took in every write. */
  markClean(): void {
    if (this.#dirty) this.#write(false);
  }

  /** After a flush that failed. Never throws: what cannot be written here stays dirty, which says the same after a crash. */
  markTorn(): void {
    try {
      // In place, as this disk fails to flush: cut short it is torn just as well.
      writeFileSync(this.#path, TORN);
    } catch {
      // Whoever holds the files writes no more to them.
    }
  }

  #text(dirty: boolean): string {
    return dirty ? `dirty ${this.#boot}` : CLEAN;
  }

  #read(): string | undefined {
    try {
      return readFileSync(this.#path, 'utf8').trim();
    } catch {
      return undefined;
    }
  }

  /** By a rename: killed in between, the file says what it said before, never nothing. */
  #write(dirty: boolean): void {
    this.#sure = false;
    replaceDurably(this.#path, `${this.#text(dirty)}\n`);
    this.#sure = true;
    this.#dirty = dirty;
  }
}
