/**
 * A vector index as rows: id, vector, tenant, tags. Which rows are visible, and which document they belong to, is
 * not its business: readers look each hit up in the document table, so an update shows whole or not at all whatever
 * the engine does (embedded today, Pinecone later).
 */
export interface VectorRow {
  /** 32 hexadecimal digits, content-addressed by the writer: equal ids are equal rows; writing one twice changes nothing. */
  readonly id: string;
  readonly vector: Float32Array;
  readonly tenant: string;
  /** `name=value` pairs that a query may require. */
  readonly tags: readonly string[];
}

/** A row by its name, and whose it is: an engine that keeps tenants apart looks there alone. */
export interface RowPlace {
  readonly id: string;
  /** Null where nobody knows any more: it may stand under any tenant. */
  readonly tenant: string | null;
}

export interface VectorQuery {
  readonly vector: Float32Array;
  readonly topK: number;
  readonly tenant: string;
  /** All of these must be on the row. */
  readonly tags?: readonly string[];
}

export interface VectorHit {
  readonly id: string;
  /** Cosine similarity, 1 is the same direction. */
  readonly score: number;
}

/** How an engine that builds in the background stands. */
export interface BuildState {
  readonly running: boolean;
  /** Rows written that no build has taken in yet. */
  readonly recent: number;
  /** Why the last build failed; undefined after one that went well. The index serves all the same, slower. */
  readonly failure: Error | undefined;
}

export interface VectorIndex {
  readonly engine: string;
  readonly dimensions: number;
  /** Undefined of an engine that builds nothing here. */
  readonly build?: BuildState;
  /**
   * Searchable when it resolves; an id that is there already is passed over. On an error some rows may be written, so
   * write all of them again. Errors: `index-unavailable`, `disk-full`, `index-corrupt`, and before any row is written
   * `request-invalid` for another size of vector or parts that are not finite.
   */
  upsert(rows: readonly VectorRow[]): Promise<void>;
  /** Those that are not there are passed over. */
  remove(rows: readonly RowPlace[]): Promise<void>;
  /**
   * Best first. Never waits for a build. Errors: `request-invalid` for another size of vector, or a topK that is no
   * whole number from 1 to 1,000.
   */
  query(query: VectorQuery): Promise<readonly VectorHit[]>;
  /** The ids of those that are there. */
  has(rows: readonly RowPlace[]): Promise<ReadonlySet<string>>;
  /** Every id held, for verification. */
  ids(): AsyncIterable<string>;
  count(): Promise<number>;
  /** Drops everything. */
  clear(): Promise<void>;
  /** `forGood`: its files are removed next, so a build under way is given up and nothing is proved or brought to disk. */
  close(how?: { readonly forGood: boolean }): Promise<void>;
}
