/**
 * Tells at opening whether the operating system went down while the table's files were not all on disk. Beside the
 * table stands one small file: `clean`, or `dirty <boot id>` from before the first write until after the next flush.
 * Dirty with this boot's id means that only the process died: the page cache still held every write, nothing is lost.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { bootId } from './boot-id.ts';

const CLEAN = 'clean';

export class CrashMarker {
  readonly #path: string;
  readonly #boot: string;
  #dirty: boolean;
  /** True where the files may be torn: the operating system went down with writes not on disk. */
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
    if (this.#dirty) return;
    this.#write(true);
  }

  /** After a flush that took in every write. */
  markClean(): void {
    if (this.#dirty) this.#write(false);
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
    const next = `${this.#path}.new`;
    const file = openSync(next, 'w');
    try {
      writeSync(file, `${this.#text(dirty)}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(next, this.#path);
    const folder = openSync(dirname(this.#path), 'r');
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
    this.#dirty = dirty;
  }
}
