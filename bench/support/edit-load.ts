/**
 * Edits at a fixed rate, whatever happens to earlier ones (open loop), and for some of them the time from the commit's
 * acknowledgement until a search shows them: the new text is found, or the deleted one no more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { WARM_UP_SECONDS } from './bench.ts';
import { type Edit, type EditedRow, editMix } from './edit-mix.ts';
import type { Indexer } from './indexer.ts';

export interface EditLoad {
  readonly url: string;
  readonly indexer: Pick<Indexer, 'search'>;
  /** Rows that the table holds before. */
  readonly rows: number;
  readonly changesPerSecond: number;
  readonly seconds: number;
  readonly seed: number;
  readonly signal: AbortSignal;
}

export interface EditFigures {
  /** In the order of their commits; Infinity for what was not seen in time. */
  readonly foundMs: readonly number[];
  readonly commitMs: readonly number[];
  /** What was not seen in time. */
  readonly lost: readonly Edit[];
}

const CONNECTIONS = 8;
/** One edit in so many is looked for: looking costs the machine that is measured. */
const LOOKED_FOR = 5;
/** First when it may be there, then at an eighth of what has passed: no figure is more than that too high. */
const FIRST_LOOK_MS = 8;
const LOOK_EVERY_MS = 3;
const LOOK_SHARE = 1 / 8;
const LOST_AFTER_MS = 10_000;
const TOP_K = 3;

const commit = async (pool: pg.Pool, { kind, row }: Edit): Promise<unknown> => {
  const { id, title, body } = row;
  if (kind === 'update') return pool.query('update articles set body = $2 where id = $1', [id, body]);
  if (kind === 'delete') return pool.query('delete from articles where id = $1', [id]);
  return pool.query('insert into articles (id, title, body) values ($1, $2, $3)', [id, title, body]);
};

/** Whether a search by the row's own text finds it. */
export const isFound = async (indexer: Pick<Indexer, 'search'>, row: EditedRow): Promise<boolean> => {
  const texts = await indexer.search(`${row.title}\n${row.body}`, TOP_K);
  return texts.some((text) => text.includes(row.code));
};

const look = async (load: EditLoad, edit: Edit, committedAt: number): Promise<number> => {
  const wanted = edit.kind !== 'delete';
  await sleep(FIRST_LOOK_MS);
  for (;;) {
    const found = await isFound(load.indexer, edit.row);
    const passed = performance.now() - committedAt;
    if (found === wanted) return passed;
    if (passed > LOST_AFTER_MS || load.signal.aborted) return Number.POSITIVE_INFINITY;
    await sleep(Math.max(LOOK_EVERY_MS, passed * LOOK_SHARE));
  }
};

/** Runs the edits and waits for the last look. */
export const runEdits = async (load: EditLoad): Promise<EditFigures> => {
  const pool = new pg.Pool({ connectionString: load.url, max: CONNECTIONS });
  const mix = editMix(load.rows, load.seed);
  const warmUp = WARM_UP_SECONDS * load.changesPerSecond;
  const foundMs: number[] = [];
  const commitMs: number[] = [];
  const lost: Edit[] = [];
  const failed = new AbortController();

  const apply = async (edit: Edit, at: number): Promise<void> => {
    const sentAt = performance.now();
    await commit(pool, edit);
    const committedAt = performance.now();
    if (at >= warmUp) commitMs.push(committedAt - sentAt);
    if (at % LOOKED_FOR === 0) {
      const passed = await look(load, edit, committedAt);
      if (at >= warmUp) {
        foundMs[Math.floor((at - warmUp) / LOOKED_FOR)] = passed;
        if (!Number.isFinite(passed)) lost.push(edit);
      }
    }
    mix.release(edit.row.id);
  };

  try {
    const all: Promise<void>[] = [];
    const begun = performance.now();
    for (let at = 0; at < warmUp + load.changesPerSecond * load.seconds; at += 1) {
      await sleep(Math.max(0, begun + (at * 1_000) / load.changesPerSecond - performance.now()));
      if (load.signal.aborted || failed.signal.aborted) break;
      const applied = apply(mix.next(), at);
      applied.catch(() => failed.abort());
      all.push(applied);
    }
    await Promise.all(all);
    return { foundMs: foundMs.filter((passed) => passed !== undefined), commitMs, lost };
  } finally {
    await pool.end();
  }
};
