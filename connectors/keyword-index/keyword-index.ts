/**
 * Rows by the words they hold, ranked by BM25, beside the vector index and of the same row ids: which row is visible is
 * the document table's business here too. It is made again from that table at every start, so it holds nothing of its own.
 */
import type { RowPlace } from '../vector-index/vector-index.ts';

export interface KeywordRow {
  /** As in the vector index: content-addressed, equal ids are equal rows. */
  readonly id: string;
  readonly tenant: string;
  /** `name=value` pairs that a query may require. */
  readonly tags: readonly string[];
  readonly text: string;
}

export interface KeywordQuery {
  readonly text: string;
  readonly tenant: string;
  /** All of these must be on the row. */
  readonly tags: readonly string[];
  readonly topK: number;
}

export interface KeywordHit {
  readonly id: string;
  /** BM25: comparable within one answer only. */
  readonly score: number;
}

export interface KeywordState {
  readonly rows: number;
  /** What the rows take in memory, by estimate, in bytes. */
  readonly bytes: number;
  /** Tenants that were left out, for the memory of all would pass its limit. */
  readonly tenantsLeftOut: number;
  /** Why it answers nothing at the moment; null while it works. */
  readonly failure: string | null;
}

export interface KeywordWatcher {
  /** It holds nothing any more, and takes nothing. */
  lost(): void;
  /** It takes rows again, and waits to be filled. */
  empty(): void;
}

export interface KeywordIndex {
  /**
   * Takes rows on; resolves at once while the work that waits is bounded, seconds later where it is not: what cannot keep up then
   * is lost, and says so. A query asked for after that call sees them. Rows that are there already are passed over.
   */
  add(rows: readonly KeywordRow[]): Promise<void>;
  /** Those that are not there are passed over. */
  remove(rows: readonly RowPlace[]): void;
  /** Best first; undefined where it cannot say: see `KeywordState`, a word that too many rows hold, too late. Never throws. */
  query(query: KeywordQuery): Promise<readonly KeywordHit[] | undefined>;
  state(): Promise<KeywordState>;
  /** One watcher, in place of the one before; told at once where it is lost. */
  watch(watcher: KeywordWatcher): void;
  /** Drops everything, tenants that were left out too. */
  clear(): void;
  close(): Promise<void>;
}
