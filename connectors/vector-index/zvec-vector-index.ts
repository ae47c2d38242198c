/**
 * The embedded vector index: one folder, one process. Recent rows are compared one by one in memory and remembered by a
 * log; from some thousands on they go into a graph (zvec: HNSW, int8 with float rescoring), which is built beside those
 * that serve, proved, and only then put in their place: a large one, and from 100,000 rows on a small one with what came since
 * (decision 32). zvec never holds a row that nobody else has: see graph.ts for why.
 *
 * A row is searchable and survives kill -9 once its upsert resolved. Nothing waits for a build but `clear` and `close`.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FreshetError } from '../../schemas/errors.ts';
import { turn } from '../../schemas/event-loop-turn.ts';
import { slicesOf } from '../../schemas/slices-of.ts';
import { type OwnerLock, tryLock } from '../stack/owner-lock.ts';
import { BackgroundBuild } from './background-build.ts';
import { ExclusiveGate } from './exclusive-gate.ts';
import { endOrphanedBuilder } from './graph-builder.ts';
import { type IndexContents, openContents } from './index-contents.ts';
import { discardFiles, readManifest } from './index-files.ts';
import type { BuildState, RowPlace, VectorHit, VectorIndex, VectorQuery, VectorRow } from './vector-index.ts';
import { indexFailure, startEngine } from './zvec-engine.ts';
import { hashedQuery, hashedRow, isRowId } from './zvec-rows.ts';

export interface ZvecVectorIndexOptions {
  readonly folder: string;
  readonly dimensions: number;
  /** Begin empty whatever lies in the folder, damaged or not. Default false. */
  readonly discard?: boolean;
  /** Threads of queries, of the first index opened in this process. Default 2. */
  readonly queryThreads?: number;
  /** Threads of a build. Default 1. */
  readonly buildThreads?: number;
  /** Recent rows that start a build, at least, a load under way or not. Default 4,000, and 50,000 during a load. */
  readonly buildAfterRows?: number;
  /** Rows of the large graph from which on a small one takes the recent ones. Default 100,000. */
  readonly smallBesideRows?: number;
}

/** Of those that could be there. */
const idsOf = (rows: readonly RowPlace[]): readonly string[] => rows.map(({ id }) => id).filter(isRowId);

/** Rows handled before the event loop has its turn: a few milliseconds. */
const ROWS_AT_ONCE = 200;

/** Of those. A few thousand recent rows are compared in half a millisecond or more. */
const ROWS_A_QUERY_WEIGHS = 20;
/** Memory for the vectors of recent rows: 65,000 of 384 dimensions. */
const RECENT_BYTES = 200 * 1024 * 1024;
/** Of a log beyond what its rows take: a few rows that change all the time write it, and opening reads all of it. */
const LOG_BYTES = 64 * 1024 * 1024;
/** From there on a build begins, so that writes need not wait for it: 50,000 of 384 dimensions. */
const CROWDED_SHARE = 0.75;

const isCrowded = (contents: IndexContents | undefined): boolean => {
  const { recentBytes = 0, logBytes = 0 } = contents ?? {};
  return recentBytes > RECENT_BYTES * CROWDED_SHARE || logBytes > LOG_BYTES + 4 * recentBytes;
};

const NOTHING = { built: { large: 0, small: 0 }, removed: { large: 0, small: 0 }, recent: 0 };

export class ZvecVectorIndex implements VectorIndex {
  readonly engine = 'zvec';
  readonly dimensions: number;
  readonly #folder: string;
  readonly #lock: OwnerLock;
  readonly #build: BackgroundBuild;
  readonly #gate = new ExclusiveGate();
  #rowsSinceTurn = 0;
  /** Undefined once closed. */
  #contents: IndexContents | undefined;

  /** Use openZvecVectorIndex. */
  constructor(contents: IndexContents, lock: OwnerLock, options: ZvecVectorIndexOptions) {
    this.dimensions = options.dimensions;
    this.#folder = options.folder;
    this.#lock = lock;
    this.#contents = contents;
    const { buildAfterRows, smallBesideRows } = options;
    this.#build = new BackgroundBuild(
      {
        standing: () => ({
          ...(this.#contents?.standing ?? NOTHING),
          crowded: isCrowded(this.#contents),
        }),
        build: async (into) => this.#contents?.build(into, options.buildThreads ?? 1),
      },
      {
        ...(buildAfterRows !== undefined && { leastRows: buildAfterRows, rowsInLoad: buildAfterRows }),
        ...(smallBesideRows !== undefined && { smallBesideRows }),
      },
    );
    this.#build.consider();
  }

  get build(): BuildState {
    const { running, failure } = this.#build;
    return { running, failure, recent: this.#contents?.standing.recent ?? 0 };
  }

  async upsert(rows: readonly VectorRow[]): Promise<void> {
    const hashed = rows.map((row) => hashedRow(row, this.dimensions));
    const doing = 'writing to the vector index';
    for (const some of slicesOf(hashed, ROWS_AT_ONCE)) {
      await this.#room(doing);
      await this.#use(doing, (contents) => contents.write(some));
      this.#build.arrived(some.length);
      await this.#turn(some.length);
    }
  }

  async remove(rows: readonly RowPlace[]): Promise<void> {
    await this.#inSlices('removing from the vector index', idsOf(rows), (contents, some) =>
      contents.remove(some),
    );
    this.#build.arrived(0);
  }

  async query(query: VectorQuery): Promise<readonly VectorHit[]> {
    const hashed = hashedQuery(query, this.dimensions);
    const hits = await this.#use('querying the vector index', (contents) => contents.query(hashed));
    await this.#turn(ROWS_A_QUERY_WEIGHS);
    return hits;
  }

  async has(rows: readonly RowPlace[]): Promise<ReadonlySet<string>> {
    const held = new Set<string>();
    await this.#inSlices('reading the vector index', idsOf(rows), (contents, some) => {
      for (const id of contents.has(some)) held.add(id);
    });
    return held;
  }

  /** As of the first one asked for. Errors: `index-unavailable` where the index is cleared or closed under way. */
  async *ids(): AsyncIterable<string> {
    const doing = 'listing the vector index';
    const contents = await this.#use(doing, (held) => held);
    let read = 0;
    for (const id of contents.ids()) {
      yield id;
      if (contents !== this.#contents) throw this.#closed(doing);
      read += 1;
      if (read % ROWS_AT_ONCE === 0) await turn();
    }
  }

  async count(): Promise<number> {
    return this.#use('counting the vector index', (contents) => contents.count);
  }

  async clear(): Promise<void> {
    await this.#alone('clearing the vector index', async () => {
      const contents = this.#contents;
      if (contents === undefined) throw this.#closed('clearing the vector index');
      this.#contents = undefined;
      await contents.close(false);
      discardFiles(this.#folder);
      this.#contents = await openContents(this.#folder, this.dimensions, undefined);
    });
  }

  /** Waits for what is under way. Reads the whole graph for its checksums, unless it closes for good. Closing twice is fine. */
  async close({ forGood = false }: { readonly forGood?: boolean } = {}): Promise<void> {
    if (forGood) this.#contents?.giveUpBuild();
    await this.#alone('closing the vector index', async () => {
      const contents = this.#contents;
      this.#contents = undefined;
      try {
        await contents?.close(forGood);
      } finally {
        await this.#lock.release();
      }
    });
  }

  async #use<T>(doing: string, action: (contents: IndexContents) => T | Promise<T>): Promise<T> {
    try {
      return await this.#gate.share(() => {
        if (this.#contents === undefined) throw this.#closed(doing);
        return action(this.#contents);
      });
    } catch (thrown) {
      throw indexFailure(thrown, doing, this.#folder);
    }
  }

  async #inSlices<T>(
    doing: string,
    items: readonly T[],
    action: (contents: IndexContents, some: readonly T[]) => void,
  ): Promise<void> {
    for (const some of slicesOf(items, ROWS_AT_ONCE)) {
      await this.#use(doing, (contents) => action(contents, some));
      await this.#turn(some.length);
    }
  }

  /** A caller that awaits nothing but this index must not keep the event loop from its turn, nor builds from theirs. */
  async #turn(rows: number): Promise<void> {
    this.#rowsSinceTurn += rows;
    if (this.#rowsSinceTurn < ROWS_AT_ONCE) return;
    this.#rowsSinceTurn = 0;
    await turn();
  }

  /** Waits while recent rows fill the memory they may take. Errors: why the last build failed, where it did. */
  async #room(doing: string): Promise<void> {
    while ((this.#contents?.recentBytes ?? 0) > RECENT_BYTES) {
      this.#build.consider();
      if (!this.#build.running)
        throw indexFailure(this.#build.failure ?? 'no build runs', doing, this.#folder);
      await this.#build.ended();
    }
  }

  async #alone(doing: string, action: () => Promise<void>): Promise<void> {
    // Queries go on while a build comes to its end; only then are they held up.
    await this.#build.hold();
    try {
      await this.#gate.alone(action);
    } catch (thrown) {
      throw indexFailure(thrown, doing, this.#folder);
    } finally {
      this.#build.release();
    }
  }

  #closed(doing: string): FreshetError {
    return new FreshetError('index-unavailable', `${doing}: the index in ${this.#folder} is closed`);
  }
}

/**
 * Opens the index of a folder, making it where there is none. Errors: `index-unavailable` where a living process holds it
 * (this one too), `index-corrupt` where a checksum fails, it cannot be read, or the machine went down before it was on disk
 * (open it with `discard` then), `config-invalid` for vectors of another size, `disk-full`.
 */
export const openZvecVectorIndex = async (options: ZvecVectorIndexOptions): Promise<ZvecVectorIndex> => {
  const { folder, dimensions } = options;
  const doing = 'opening the vector index';
  startEngine(options.queryThreads ?? 2, options.buildThreads ?? 1);
  let lock: OwnerLock | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    const claim = await tryLock(join(folder, 'owner.lock'));
    if ('heldBy' in claim)
      throw new FreshetError(
        'index-unavailable',
        `${doing}: process ${claim.heldBy} holds ${folder}; stop it, or ask it over the gateway`,
      );
    lock = claim;
    await endOrphanedBuilder(folder);
    if (options.discard) discardFiles(folder);
    const contents = await openContents(folder, dimensions, readManifest(folder, dimensions));
    return new ZvecVectorIndex(contents, lock, options);
  } catch (thrown) {
    await lock?.release();
    throw indexFailure(thrown, doing, folder);
  }
};
