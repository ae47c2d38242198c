/**
 * A graph: a zvec collection that was built whole, is opened for reading alone and never written again. zvec 0.7 loses
 * rows or gives them others' vectors when it is killed while it seals a segment, and when it builds a first segment that
 * holds removed rows (github.com/alibaba/zvec/issues/724); a graph is neither, for it is made beside its place by
 * build-graph.ts and thrown away when that is cut short.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ZVecCollection, type ZVecDocIterator, ZVecOpen } from '@zvec/zvec';
import { FreshetError, toError } from '../../schemas/errors.ts';
import { ExclusiveGate } from './exclusive-gate.ts';
import { damagedFile, sealAfter } from './graph-seal.ts';
import type { VectorHit } from './vector-index.ts';
import { type HashedQuery, MOST_HITS, similarityOf, zvecQuery } from './zvec-rows.ts';

/** Where the collection lies in the folder of a graph. */
export const rowsOf = (folder: string): string => join(folder, 'rows');

export class Graph {
  readonly folder: string;
  readonly #collection: ZVecCollection;
  readonly #gate = new ExclusiveGate();
  readonly #iterators = new Set<ZVecDocIterator>();
  /** A graph never changes, and zvec takes milliseconds to count its rows. */
  readonly #count: number;
  /** Listings that read it, or will. */
  #held = 0;
  #closed = false;

  /** Use openGraph. */
  constructor(folder: string, collection: ZVecCollection) {
    this.folder = folder;
    this.#collection = collection;
    this.#count = collection.stats.docCount;
  }

  get count(): number {
    return this.#closed ? 0 : this.#count;
  }

  /** Up to topK hits that are not hidden; fewer than there are only when hidden ones fill the first 1,000 places. */
  async query(query: HashedQuery, hidden: ReadonlySet<string>): Promise<readonly VectorHit[]> {
    return this.#gate.share(async () => {
      this.#requireOpen();
      for (let asked = Math.min(MOST_HITS, 2 * query.topK + 10); ; asked = MOST_HITS) {
        const found = await this.#collection.query(zvecQuery(query, asked));
        const hits = found.filter(({ id }) => !hidden.has(id));
        if (hits.length >= query.topK || found.length < asked || asked === MOST_HITS)
          return hits.slice(0, query.topK).map(({ id, score }) => ({ id, score: similarityOf(score) }));
      }
    });
  }

  /** Of these, those that are here. */
  has(ids: readonly string[]): readonly string[] {
    this.#requireOpen();
    if (ids.length === 0) return [];
    return Object.keys(this.#collection.fetchSync({ ids: [...ids], outputFields: [], includeVector: false }));
  }

  /** A listing keeps it, retired or not, until it is released. */
  hold(): void {
    this.#held += 1;
  }

  release(): void {
    this.#held -= 1;
  }

  /** Errors: `index-unavailable` where the graph is closed under way. */
  *ids(): Iterable<string> {
    this.#requireOpen();
    const iterator = this.#collection.iterDocsSync({ outputFields: [], includeVector: false });
    this.#iterators.add(iterator);
    try {
      for (;;) {
        this.#requireOpen();
        const next = iterator.next();
        if (next.done) return;
        yield next.value.id;
      }
    } finally {
      this.#iterators.delete(iterator);
      iterator.closeSync();
    }
  }

  /** Waits for queries under way and ends listings. Reads every file for its checksum. */
  async close(): Promise<void> {
    await this.#gate.alone(() => sealAfter(this.folder, rowsOf(this.folder), () => this.#close()));
  }

  /** Ends listings, closes it and removes its files. */
  async discard(): Promise<void> {
    await this.#gate.alone(async () => {
      this.#close();
      await rm(this.folder, { recursive: true, force: true });
    });
  }

  /** As discard, once no listing holds it. */
  async retire(): Promise<void> {
    while (this.#held > 0 && !this.#closed) await new Promise((resolve) => setTimeout(resolve, 50));
    if (!this.#closed) await this.discard();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const iterator of this.#iterators) iterator.closeSync();
    this.#collection.closeSync();
  }

  #requireOpen(): void {
    if (this.#closed) throw new FreshetError('index-unavailable', 'the vector index is closed');
  }
}

/** Of a graph that this process has just built and proved. */
export const openBuiltGraph = (folder: string): Graph =>
  new Graph(folder, ZVecOpen(rowsOf(folder), { readOnly: true }));

/** Errors: `index-corrupt` where a file is not as it was built. */
export const openGraph = async (folder: string): Promise<Graph> => {
  try {
    const damaged = await damagedFile(folder, rowsOf(folder));
    if (damaged !== undefined) throw new Error(`the checksum of ${damaged} fails`);
    return openBuiltGraph(folder);
  } catch (thrown) {
    const cause = toError(thrown);
    throw new FreshetError(
      'index-corrupt',
      `${folder}: ${cause.message}; \`freshet index rebuild\` makes the index anew from the log`,
      { cause },
    );
  }
};
