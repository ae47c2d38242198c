/**
 * Builds graphs in a process of its own: inserting rows keeps a thread busy for seconds, which the thread of the searches
 * must not lose, and a disk that fills under a memory map ends the process that writes to it (SIGBUS), which then is not
 * the one that serves. It runs at a low priority and ends when nothing was built for a while.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FreshetError } from '../../schemas/errors.ts';
import { slicesOf } from '../../schemas/slices-of.ts';
import { tryLock } from '../stack/owner-lock.ts';
import type { GraphPlan } from './build-graph.ts';

/** Of a plan, what may be long. */
export type PlanLists = Pick<GraphPlan, 'rows' | 'removed' | 'removedOfMerged'>;
/** The lists come in pieces, the rest of the plan after them. */
export type BuilderOrder = Partial<PlanLists> | { readonly plan: Omit<GraphPlan, keyof PlanLists> };

export interface BuilderAnswer {
  readonly failure: { readonly code: FreshetError['code']; readonly message: string } | null;
}

/** Held by the process that builds in this folder. It may outlive the one that serves by some milliseconds. */
export const builderLock = (folder: string): string => join(folder, 'builder.lock');

/** Ends what a killed owner of this folder left building; whoever calls holds the folder's own lock. */
export const endOrphanedBuilder = async (folder: string): Promise<void> => {
  for (;;) {
    const claim = await tryLock(builderLock(folder));
    if (!('heldBy' in claim)) return claim.release();
    try {
      process.kill(claim.heldBy, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
    await sleep(10);
  }
};

const ENTRY = fileURLToPath(new URL('build-process.mjs', import.meta.url));
/** Copying either to the other process takes about a millisecond. */
const ROWS_AT_ONCE = 200;
const IDS_AT_ONCE = 2_000;
const ENDS_AFTER_MILLISECONDS = 30_000;

/** None keeps the event loop for longer than that. */
export function* ordersOf({ rows, removed, removedOfMerged, ...plan }: GraphPlan): Iterable<BuilderOrder> {
  for (const some of slicesOf(rows, ROWS_AT_ONCE)) yield { rows: some };
  for (const some of slicesOf(removed, IDS_AT_ONCE)) yield { removed: some };
  for (const some of slicesOf(removedOfMerged, IDS_AT_ONCE)) yield { removedOfMerged: some };
  yield { plan };
}

export class GraphBuilder {
  #child: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** One at a time. Leaves a closed and sealed graph in `plan.folder`, or nothing. Errors: `disk-full`, `index-unavailable`. */
  async build(plan: GraphPlan): Promise<void> {
    clearTimeout(this.#idle);
    const child = this.#started();
    child.ref();
    child.channel?.ref();
    try {
      await Promise.all([this.#answered(child), this.#order(child, plan)]);
    } catch (thrown) {
      await rm(plan.folder, { recursive: true, force: true });
      throw thrown;
    } finally {
      child.unref();
      child.channel?.unref();
      this.#idle = setTimeout(() => this.close(), ENDS_AFTER_MILLISECONDS);
      this.#idle.unref();
    }
  }

  /** A build under way fails. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  close(): void {
    clearTimeout(this.#idle);
    if (this.#child?.connected) this.#child.disconnect();
    this.#child = undefined;
  }

  #started(): ChildProcess {
    if (this.#child?.connected) return this.#child;
    this.#child = fork(ENTRY, [], {
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return this.#child;
  }

  async #order(child: ChildProcess, plan: GraphPlan): Promise<void> {
    for (const order of ordersOf(plan)) await send(child, order);
  }

  #answered(child: ChildProcess): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (failure: FreshetError | null): void => {
        child.off('message', told).off('exit', exited).off('error', failed);
        if (failure === null) resolve();
        else reject(failure);
      };
      const told = (message: unknown): void => {
        const { failure } = message as BuilderAnswer;
        settle(failure && new FreshetError(failure.code, failure.message));
      };
      const gone = (how: string): void => {
        if (this.#child === child) this.#child = undefined;
        settle(
          new FreshetError('index-unavailable', `building the vector index: its process ended (${how})`),
        );
      };
      const exited = (code: number | null, signal: string | null): void => gone(signal ?? `code ${code}`);
      const failed = (error: Error): void => gone(error.message);
      child.on('message', told).on('exit', exited).on('error', failed);
    });
  }
}

const send = (child: ChildProcess, order: BuilderOrder): Promise<void> =>
  new Promise((resolve, reject) => {
    child.send(order, (error) => {
      if (error === null) resolve();
      else
        reject(
          new FreshetError('index-unavailable', 'building the vector index: its process takes no orders', {
            cause: error,
          }),
        );
    });
  });
