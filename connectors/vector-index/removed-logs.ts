/**
 * What is removed from the large graph, on disk; and what is removed from the next large one while that is built, so that
 * putting it in place writes nothing, however much was removed meanwhile.
 */
import { existsSync, rmSync } from 'node:fs';
import { FreshetError, toError } from '../../schemas/errors.ts';
import type { IdleFlush } from '../document-table/idle-flush.ts';
import { removedPath } from './index-files.ts';
import { RowLog, readLog } from './row-log.ts';

interface Next {
  readonly path: string;
  readonly log: RowLog;
  /** Why it does not tell all: its graph must not serve. */
  failure: Error | undefined;
}

export class RemovedLogs {
  readonly #folder: string;
  readonly #idle: IdleFlush;
  /** Undefined where there is no large graph. */
  #serving: RowLog | undefined;
  #next: Next | undefined;

  constructor(folder: string, idle: IdleFlush) {
    this.#folder = folder;
    this.#idle = idle;
  }

  /** The ids noted for the graph that serves; notes go on behind them. Errors: `index-corrupt`. */
  open(graph: number): ReadonlySet<string> {
    const path = removedPath(this.#folder, graph);
    if (!existsSync(path))
      throw new FreshetError(
        'index-corrupt',
        `${path} is gone; \`freshet index rebuild\` makes it anew from the log`,
      );
    const { entries, bytes } = readLog(path);
    this.#serving = new RowLog(path, bytes);
    return new Set(entries.flatMap((entry) => (entry.kind === 'removed' ? entry.id : [])));
  }

  /** Of rows in the large graph that serves. Throws what the file system says. */
  note(ids: readonly string[]): void {
    if (this.#serving) this.#append(this.#serving, ids);
  }

  /** Of rows in the next large graph. What cannot be noted ends its build, not the removal. */
  noteNext(ids: readonly string[]): void {
    if (this.#next === undefined) return;
    try {
      this.#append(this.#next.log, ids);
    } catch (thrown) {
      this.#next.failure ??= toError(thrown);
    }
  }

  /** The next large graph is begun. Throws what the file system says. */
  begin(graph: number): void {
    const path = removedPath(this.#folder, graph);
    this.#next = { path, log: new RowLog(path, 0), failure: undefined };
  }

  /** Throws where something could not be noted for the next graph. */
  requireNext(): void {
    if (this.#next?.failure) throw this.#next.failure;
  }

  /** The next graph serves, where one was begun. */
  advance(): void {
    if (this.#next === undefined) return;
    this.#serving?.close();
    this.#serving = this.#next.log;
    this.#next = undefined;
  }

  /** The next graph came to nothing; `kept` where a manifest may name it. What cannot be removed now is swept at the next opening. */
  abandon(kept: boolean): void {
    if (this.#next === undefined) return;
    const { path, log } = this.#next;
    this.#next = undefined;
    log.close();
    if (kept) return;
    try {
      rmSync(path, { force: true });
    } catch {
      // No manifest names it.
    }
  }

  /** On disk when it resolves. */
  async flushed(): Promise<void> {
    await Promise.all([this.#serving?.flushed(), this.#next?.log.flushed()]);
  }

  close(): void {
    this.#serving?.close();
    this.#next?.log.close();
  }

  #append(log: RowLog, ids: readonly string[]): void {
    if (ids.length === 0) return;
    this.#idle.writing();
    log.append(ids.map((id) => ({ kind: 'removed', id })));
  }
}
