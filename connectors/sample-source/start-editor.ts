import { setTimeout as pause } from 'node:timers/promises';
import { FreshetError, toError } from '../../schemas/errors.ts';
import { applyChange } from './apply-change.ts';
import { type ChangeKind, planChange } from './editor-plan.ts';
import { type EditorSession, openEditorSession } from './editor-session.ts';
import { nextStep, startPace } from './pace.ts';
import type { SampleTable } from './sample-rows.ts';
import { sourceUnavailable } from './source-connection.ts';

/** One committed change. Times in epoch milliseconds of this machine: the commit lies between the two. */
export type EditorChange = {
  readonly table: SampleTable;
  readonly id: number;
  readonly kind: ChangeKind;
  readonly sentAt: number;
  readonly committedAt: number;
};

export type EditorCounts = Record<ChangeKind, number> & {
  /** Changes that found no row. */
  missed: number;
  /** Changes given up because the database was slow or away for more than a second. */
  skipped: number;
  /** Attempts that ended in an error, each followed by a new connection after a pause. */
  failed: number;
  connections: number;
};

export type EditorRequest = {
  readonly url: string;
  readonly changesPerSecond: number;
  readonly seed: number;
  /** Rows of the three tables together below which nothing is deleted. Default: nine in ten of those loaded. */
  readonly floor?: number;
  readonly onChange?: (change: EditorChange) => void;
  readonly onProblem?: (error: FreshetError) => void;
};

export type Editor = {
  /** Resolves once the change in flight is done, or cut off after two seconds. Never throws; may be called twice. */
  stop(): Promise<void>;
  counts(): Readonly<EditorCounts>;
};

/** Whoever listens must not be able to end the loop, nor make a committed change look like a failed one. */
const tell = (listener: () => void): void => {
  try {
    listener();
  } catch (thrown) {
    process.emitWarning(toError(thrown));
  }
};

/** How long a change in flight may take once the editor is to stop, in milliseconds. */
const STOP_LIMIT = 2_000;

/** The pause before the n-th attempt in a row, in milliseconds. */
const backoff = (attempt: number): number => Math.min(5_000, 100 * 2 ** attempt);

/**
 * Keeps changing the sample source at a rate until stopped: inserts, updates of text and of other columns, deletes, and
 * one long document that grows and shrinks. What is done follows from the seed and the state of the tables; when it is
 * done follows a fixed schedule. It waits for a database that is away and never throws, except `config-invalid` at
 * once for a rate that is not a positive number.
 */
export const startEditor = (request: EditorRequest): Editor => {
  const { changesPerSecond, seed } = request;
  if (!(changesPerSecond > 0 && changesPerSecond <= 10_000)) {
    throw new FreshetError(
      'config-invalid',
      `The editor's rate is ${changesPerSecond}; give a number of changes per second above 0.`,
    );
  }
  const counts: EditorCounts = {
    insert: 0,
    'update-text': 0,
    'update-other': 0,
    delete: 0,
    'long-document': 0,
    missed: 0,
    skipped: 0,
    failed: 0,
    connections: 0,
  };
  const stopping = new AbortController();
  const givingUp = new AbortController();
  const sleep = (time: number): Promise<unknown> =>
    pause(time, undefined, { signal: stopping.signal }).catch(() => undefined);
  let session: EditorSession | undefined;
  let step: number | undefined;

  const change = async (open: EditorSession, current: number): Promise<void> => {
    const planned = planChange(seed, current, open.rows, open.limits);
    const sentAt = Date.now();
    const id = await applyChange(open.client, seed, current, planned);
    const committedAt = Date.now();
    if (id === undefined) {
      counts.missed += 1;
      return;
    }
    counts[planned.kind] += 1;
    if (planned.kind === 'insert') open.rows += 1;
    if (planned.kind === 'delete') open.rows -= 1;
    tell(() => request.onChange?.({ table: planned.table, id, kind: planned.kind, sentAt, committedAt }));
  };

  const closeSession = async (): Promise<void> => {
    const open = session;
    session = undefined;
    await open?.close();
  };

  const run = async (): Promise<void> => {
    let pace = startPace(changesPerSecond, performance.now());
    let attempt = 0;
    while (!stopping.signal.aborted) {
      const next = nextStep(pace, performance.now());
      pace = next.pace;
      counts.skipped += next.skipped;
      if (next.wait > 0) await sleep(next.wait);
      if (stopping.signal.aborted) break;
      try {
        if (session === undefined) {
          session = await openEditorSession(request.url, request.floor, givingUp.signal);
          counts.connections += 1;
        }
        step = (step ?? session.firstStep) + 1;
        await change(session, step);
        attempt = 0;
      } catch (thrown) {
        counts.failed += 1;
        await closeSession();
        const error =
          thrown instanceof FreshetError ? thrown : sourceUnavailable('Changing the sample source', thrown);
        tell(() => request.onProblem?.(error));
        await sleep(backoff(attempt));
        attempt += 1;
      }
    }
    await closeSession();
  };

  const running = run();
  return {
    stop: async () => {
      stopping.abort();
      const limit = setTimeout(() => givingUp.abort(), STOP_LIMIT);
      await running;
      clearTimeout(limit);
    },
    counts: () => ({ ...counts }),
  };
};
