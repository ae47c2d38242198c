/**
 * Makes the next graph from the last one, the small one beside it and the rows that came since, in a folder of its own. In this
 * order, which is one that zvec 0.7 gets right: removals from what is built, then new rows, then the build. Before anyone sees the result it
 * is asked for rows it must hold.
 */
import { constants } from 'node:fs';
import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ZVecCollection, ZVecCreateAndOpen, ZVecOpen } from '@zvec/zvec';
import { turn } from '../../schemas/event-loop-turn.ts';
import { slicesOf } from '../../schemas/slices-of.ts';
import { rowsOf } from './graph.ts';
import { sealedBytes, sealGraph } from './graph-seal.ts';
import { requireSpace } from './zvec-engine.ts';
import { graphSchema, type HashedRow, hashedRowOf, similarityOf, zvecQuery, zvecRow } from './zvec-rows.ts';

export interface GraphPlan {
  /** Where it is made. */
  readonly folder: string;
  readonly dimensions: number;
  readonly last: { readonly folder: string; readonly count: number } | undefined;
  /** Rows of the last graph that are no longer there. */
  readonly removed: readonly string[];
  /** A graph whose rows go in too, but for those removed; none of them is left in the last one. */
  readonly merged: { readonly folder: string; readonly count: number } | undefined;
  readonly removedOfMerged: readonly string[];
  /** None of them in those graphs, removed ones apart. */
  readonly rows: readonly HashedRow[];
  readonly threads: number;
}

/** Between two turns of the event loop, in which this process may learn that it is to end. */
const ROWS_AT_ONCE = 50;
const REMOVALS_AT_ONCE = 200;
const ROWS_PROVED = 64;

const inSlices = async <T>(
  items: readonly T[],
  size: number,
  action: (some: T[]) => readonly { readonly ok: boolean; readonly message: string }[],
): Promise<void> => {
  for (const some of slicesOf(items, size)) {
    const failed = action(some).find(({ ok }) => !ok);
    if (failed !== undefined) throw new Error(failed.message);
    await turn();
  }
};

const copyRows = (folder: string, place: string): Promise<void> =>
  cp(rowsOf(folder), place, { recursive: true, mode: constants.COPYFILE_FICLONE });

/** Rows of a graph but for those removed, so many at a time. Errors: zvec's. */
function* rowsBuilt(
  graph: ZVecCollection,
  removed: readonly string[],
  dimensions: number,
): Generator<readonly HashedRow[]> {
  const gone = new Set(removed);
  const rows = graph.iterDocsSync({ outputFields: ['tenant', 'tags'], includeVector: true });
  try {
    let some: HashedRow[] = [];
    for (let next = rows.next(); !next.done; next = rows.next()) {
      const row = hashedRowOf(next.value, dimensions);
      if (!gone.has(row.id)) some.push(row);
      if (some.length < ROWS_AT_ONCE) continue;
      yield some;
      some = [];
    }
    yield some;
  } finally {
    rows.closeSync();
  }
}

/** Throws where the count is wrong or one of these rows isn't found by its own vector. */
const prove = async (
  collection: ZVecCollection,
  rows: readonly HashedRow[],
  count: number,
): Promise<void> => {
  const { docCount, indexCompleteness } = collection.stats;
  if (docCount !== count || (count > 0 && indexCompleteness.vector !== 1))
    throw new Error(`built ${docCount} rows of ${count}, completeness ${indexCompleteness.vector}`);
  const step = Math.max(1, Math.floor(rows.length / ROWS_PROVED));
  let asked = 0;
  let missed = 0;
  for (let place = rows.length - 1; place >= 0; place -= step) {
    const row = rows[place];
    if (row === undefined || row.vector.every((part) => part === 0)) continue;
    asked += 1;
    const hits = await collection.query(zvecQuery({ ...row, topK: 20 }, 20));
    const found = hits.some(({ id }) => id === row.id);
    // Twenty others just as near: the same text many times over.
    const crowded = hits.length === 20 && hits.every(({ score }) => similarityOf(score) > 0.9999);
    if (!found && !crowded) missed += 1;
  }
  // Searching a graph is approximate: one row in twenty may hide, a shifted graph hides nearly all.
  if (missed > Math.max(1, asked / 20)) throw new Error(`of ${asked} rows built ${missed} are not found`);
};

/** Leaves a closed and sealed graph in `plan.folder`, or nothing. Throws zvec's errors, and `disk-full`. */
export const buildGraph = async (plan: GraphPlan): Promise<void> => {
  const { folder, last, merged, rows, removed, removedOfMerged, dimensions } = plan;
  const place = rowsOf(folder);
  const [lastBytes, mergedBytes] = await Promise.all(
    [last, merged].map((graph) => (graph ? sealedBytes(graph.folder) : 0)),
  );
  requireSpace(
    folder,
    'building the vector index',
    2 * ((lastBytes ?? 0) + (mergedBytes ?? 0)) + rows.length * (8 * dimensions + 512),
  );
  const kept = (last?.count ?? 0) - removed.length + (merged?.count ?? 0) - removedOfMerged.length;
  const sample: HashedRow[] = [];
  let collection: ZVecCollection | undefined;
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    if (last === undefined) collection = ZVecCreateAndOpen(place, graphSchema(dimensions));
    else {
      await copyRows(last.folder, place);
      collection = ZVecOpen(place);
    }
    const written = collection;
    await inSlices(removed, REMOVALS_AT_ONCE, (some) => written.deleteSync(some));
    if (merged) {
      // zvec writes to the files of a graph when it closes them: the one that serves has a seal.
      const copy = join(folder, 'merged');
      await copyRows(merged.folder, copy);
      const graph = ZVecOpen(copy, { readOnly: true });
      try {
        for (const some of rowsBuilt(graph, removedOfMerged, dimensions)) {
          sample.push(...some.slice(0, 1));
          await inSlices(some, ROWS_AT_ONCE, (these) => written.insertSync(these.map(zvecRow)));
        }
        // What was read is what that graph answers by.
        await prove(graph, sample, merged.count);
      } finally {
        graph.closeSync();
      }
      await rm(copy, { recursive: true });
    }
    await inSlices(rows, ROWS_AT_ONCE, (some) => written.insertSync(some.map(zvecRow)));
    await written.optimize({ concurrency: plan.threads });
    await prove(written, [...sample, ...rows], kept + rows.length);
    written.closeSync();
    collection = undefined;
    await sealGraph(folder, place);
  } catch (thrown) {
    try {
      collection?.closeSync();
    } catch {
      // The first error says more.
    }
    await rm(folder, { recursive: true, force: true });
    throw thrown;
  }
};
