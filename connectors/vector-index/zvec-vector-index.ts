/**
 * The embedded vector index: zvec (HNSW, int8 with float rescoring), one folder, one process.
 *
 * A row is searchable and survives kill -9 once its upsert resolved. New rows are scanned until a build in the background
 * takes them into the graph (background-build.ts); nothing ever waits for one but `ids`, `clear` and `close`.
 */
import type { ZVecCollection, ZVecDocIterator, ZVecStatus } from '@zvec/zvec';
import { FreshetError } from '../../schemas/errors.ts';
import { BackgroundBuild } from './background-build.ts';
import {
  closeCollection,
  discardCollection,
  dropCollection,
  type Found,
  openCollection,
} from './collection-files.ts';
import { ExclusiveGate } from './exclusive-gate.ts';
import type { VectorHit, VectorIndex, VectorQuery, VectorRow } from './vector-index.ts';
import { engineFailure, requireSpace, startEngine } from './zvec-engine.ts';
import { ANCHOR_ROWS, isRowId, similarityOf, zvecQuery, zvecRow } from './zvec-rows.ts';

export interface ZvecVectorIndexOptions {
  readonly folder: string;
  readonly dimensions: number;
  /** Drop what lies in the folder first, damaged or not. Default false. */
  readonly discard?: boolean;
  /** Threads of queries, of the first index opened in this process. Default 2. */
  readonly queryThreads?: number;
  /** Threads of a build. Default 1. */
  readonly buildThreads?: number;
  /** Rows not yet built that start a build, at least. Default 5,000. */
  readonly buildAfterRows?: number;
}

/** Rows handed to the engine before the event loop gets its turn: about 10 ms. */
const ROWS_AT_ONCE = 100;
const IDS_AT_ONCE = 1_000;

const closedFailure = (doing: string): FreshetError =>
  new FreshetError('index-unavailable', `${doing}: the index is closed`);

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const slices = function* <T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
};

export class ZvecVectorIndex implements VectorIndex {
  readonly engine = 'zvec';
  readonly dimensions: number;
  /** How it was found at opening: after `killed` compare `has` or `ids` with what should be there. */
  readonly found: Found;
  readonly #folder: string;
  readonly #build: BackgroundBuild;
  readonly #gate = new ExclusiveGate();
  readonly #iterators = new Set<ZVecDocIterator>();
  /** Undefined once closed. */
  #collection: ZVecCollection | undefined;

  /** Use openZvecVectorIndex. */
  constructor(collection: ZVecCollection, found: Found, options: ZvecVectorIndexOptions) {
    this.found = found;
    this.dimensions = options.dimensions;
    this.#folder = options.folder;
    this.#collection = collection;
    const concurrency = options.buildThreads ?? 1;
    this.#build = new BackgroundBuild(
      {
        standing: () => this.#standing(),
        build: async () => {
          const { rows } = this.#standing();
          requireSpace(this.#folder, 'building the vector index', rows * (8 * this.dimensions + 512));
          await this.#collection?.optimize({ concurrency });
        },
      },
      options.buildAfterRows,
    );
    this.#build.consider();
  }

  /** Whether a build is running, and why the last one failed, where it did: the index serves all the same, slower. */
  get build(): { readonly running: boolean; readonly failure: Error | undefined } {
    return { running: this.#build.running, failure: this.#build.failure };
  }

  async upsert(rows: readonly VectorRow[]): Promise<void> {
    const encoded = rows.map((row) => zvecRow(row, this.dimensions));
    for (const some of slices(encoded, ROWS_AT_ONCE)) {
      await this.#use('writing to the vector index', (collection) => {
        requireSpace(this.#folder, 'writing to the vector index');
        this.#check(collection.upsertSync([...some]), 'writing to the vector index');
      });
      if (encoded.length > ROWS_AT_ONCE) await turn();
    }
    this.#build.consider();
  }

  async remove(ids: readonly string[]): Promise<void> {
    for (const some of slices(ids.filter(isRowId), IDS_AT_ONCE)) {
      await this.#use('removing from the vector index', (collection) => {
        const found = collection.deleteSync([...some]).filter(({ code }) => code !== 'ZVEC_NOT_FOUND');
        this.#check(found, 'removing from the vector index');
      });
      if (ids.length > IDS_AT_ONCE) await turn();
    }
  }

  async query(query: VectorQuery): Promise<readonly VectorHit[]> {
    const asked = zvecQuery(query, this.dimensions);
    const found = await this.#use('querying the vector index', (collection) => collection.query(asked));
    return found.slice(0, query.topK).map(({ id, score }) => ({ id, score: similarityOf(score) }));
  }

  async has(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const held = new Set<string>();
    for (const some of slices(ids.filter(isRowId), IDS_AT_ONCE)) {
      const found = await this.#use('reading the vector index', (collection) =>
        collection.fetchSync({ ids: [...some], outputFields: [], includeVector: false }),
      );
      for (const id of Object.keys(found)) held.add(id);
      if (ids.length > IDS_AT_ONCE) await turn();
    }
    return held;
  }

  /** As of the first one asked for. Waits for a running build, and no build starts before the loop ends. */
  async *ids(): AsyncIterable<string> {
    await this.#build.hold();
    try {
      const iterator = await this.#use('listing the vector index', (collection) =>
        collection.iterDocsSync({ outputFields: [], includeVector: false }),
      );
      this.#iterators.add(iterator);
      try {
        for (let read = 1; ; read += 1) {
          if (!this.#iterators.has(iterator)) throw closedFailure('listing the vector index');
          const next = iterator.next();
          if (next.done) return;
          if (isRowId(next.value.id)) yield next.value.id;
          if (read % IDS_AT_ONCE === 0) await turn();
        }
      } finally {
        this.#iterators.delete(iterator);
        iterator.closeSync();
      }
    } finally {
      this.#build.release();
    }
  }

  async count(): Promise<number> {
    return this.#use('counting the vector index', (collection) => collection.stats.docCount - ANCHOR_ROWS);
  }

  async clear(): Promise<void> {
    await this.#exclusively('dropping the vector index', async () => {
      this.#collection?.closeSync();
      this.#collection = undefined;
      dropCollection(this.#folder);
      const { collection } = await openCollection(this.#folder, this.dimensions);
      this.#collection = collection;
    });
  }

  /** Waits for what is under way, then reads the whole index for its checksums. Closing twice is fine. */
  async close(): Promise<void> {
    await this.#exclusively('closing the vector index', async () => {
      const collection = this.#collection;
      this.#collection = undefined;
      if (collection !== undefined) await closeCollection(collection, this.#folder);
    });
  }

  #standing(): { readonly rows: number; readonly unbuilt: number } {
    if (this.#collection === undefined) return { rows: 0, unbuilt: 0 };
    const { docCount, indexCompleteness } = this.#collection.stats;
    return { rows: docCount, unbuilt: Math.round(docCount * (1 - (indexCompleteness.vector ?? 0))) };
  }

  async #use<T>(doing: string, action: (collection: ZVecCollection) => T | Promise<T>): Promise<T> {
    try {
      return await this.#gate.share(() => {
        if (this.#collection === undefined) throw closedFailure(doing);
        return action(this.#collection);
      });
    } catch (thrown) {
      throw engineFailure(thrown, doing, this.#folder);
    }
  }

  async #exclusively(doing: string, action: () => Promise<void>): Promise<void> {
    // Queries go on while a build comes to its end; only then are they held up.
    await this.#build.hold();
    try {
      await this.#gate.alone(async () => {
        for (const iterator of this.#iterators) iterator.closeSync();
        this.#iterators.clear();
        await action();
      });
    } catch (thrown) {
      throw engineFailure(thrown, doing, this.#folder);
    } finally {
      this.#build.release();
    }
  }

  #check(statuses: readonly ZVecStatus[], doing: string): void {
    const failed = statuses.find(({ ok }) => !ok);
    if (failed !== undefined)
      throw engineFailure(new Error(`${failed.code} ${failed.message}`), doing, this.#folder);
  }
}

/**
 * Opens the index of a folder, making it where there is none. Errors: `index-unavailable` where another process holds
 * it, `index-corrupt` where it cannot be read (open it with `discard`), `config-invalid` for another size of vectors,
 * `disk-full`.
 */
export const openZvecVectorIndex = async (options: ZvecVectorIndexOptions): Promise<ZvecVectorIndex> => {
  startEngine(options.queryThreads ?? 2, options.buildThreads ?? 1);
  if (options.discard) discardCollection(options.folder);
  const { collection, found } = await openCollection(options.folder, options.dimensions);
  return new ZvecVectorIndex(collection, found, options);
};
