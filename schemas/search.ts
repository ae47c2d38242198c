/** What a retrieval asks and answers. */
import type { TaskFreshness } from './records.ts';

export interface SearchRequest {
  readonly query: string;
  readonly tenant: string;
  /** Searches the long-term memories of this agent instead of documents; without it, no memory is found. */
  readonly memoriesOf?: string;
  /** 1 to 100. */
  readonly topK: number;
  /** Metadata that must be equal; `source` and `table` are such names too. */
  readonly filter?: Readonly<Record<string, string>>;
  readonly freshness?: FreshnessRequest;
  /**
   * Milliseconds since the Unix epoch: answers from the documents as they stood then, by vectors alone. Takes seconds.
   * Errors: `beyond-horizon` for a time whose records compaction may have removed, `request-too-large` for a log of too many documents.
   */
  readonly asOf?: number;
  /** By meaning, by words, or both rankings fused. Default `hybrid`. */
  readonly mode?: SearchMode;
  /** Chunks of one document among the hits; 1: each document once. Default 3. */
  readonly maxPerDocument?: number;
  /** Hits of one source, so that one cannot crowd out the others. Default: no limit. */
  readonly maxPerSource?: number;
  /** W3C trace context of whoever asks: a header between roles, and no part of what is asked. */
  readonly traceparent?: string;
}

/** How fresh the index must be before it is searched. Waited for, then refused with the error `stale`. */
export interface FreshnessRequest {
  /** Everything committed in the sources up to this long ago must be covered. */
  readonly maxStalenessMs?: number;
  /** Everything committed up to this position of a source must be covered; what became of it is said in the receipt. */
  readonly after?: {
    readonly source: string;
    /** An LSN (`select pg_current_wal_lsn()` after the commit, `pg_current_wal_insert_lsn()` after an asynchronous one) or binlog `file:position`. */
    readonly position: string;
  };
  /** Waits this long at most. Default 5,000; at most MAX_FRESHNESS_WAIT_MS. */
  readonly waitMs?: number;
}

/** As a task carries it. */
export const freshnessOf = (freshness: TaskFreshness | null | undefined): FreshnessRequest | undefined =>
  freshness
    ? {
        ...(freshness.maxStalenessMs === null ? {} : { maxStalenessMs: freshness.maxStalenessMs }),
        ...(freshness.after === null ? {} : { after: { ...freshness.after } }),
        ...(freshness.waitMs === null ? {} : { waitMs: freshness.waitMs }),
      }
    : undefined;

export const DEFAULT_FRESHNESS_WAIT_MS = 5_000;
export const MAX_FRESHNESS_WAIT_MS = 20_000;

export const SEARCH_MODES = ['hybrid', 'vector', 'keyword'] as const;
export type SearchMode = (typeof SEARCH_MODES)[number];

export interface SearchHit {
  readonly documentId: string;
  /** Index of the chunk in its document. */
  readonly chunk: number;
  readonly title: string;
  readonly text: string;
  /** Cosine similarity, however it was found; a hybrid answer is in the order of its fused ranks, not of this. */
  readonly score: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: string;
  /** Id of the embedding model of its vector. */
  readonly model?: string;
  /** Milliseconds since this version was committed in its source. */
  readonly ageMs: number;
  /** The row has changed since, and a gate refused what it became: when (microseconds), and `gate: reason`. */
  readonly stale?: { readonly since: number; readonly reason: string };
  /** `gate: reason` of what a gate saw in it and let pass: data to be read with care, instructions to nobody. */
  readonly flags?: readonly string[];
}

/** How much of its source, or of one of its tables, an answer covers. `unknown` is its own state, not "fresh" (rule W). */
export interface Watermark {
  readonly state: 'known' | 'unknown';
  /** Why nothing is claimed, or why a table is held back. */
  readonly reason: string | null;
  readonly epoch: number | null;
  /** Everything committed up to this position was applied, superseded, dropped, quarantined or dead-lettered. */
  readonly position: string | null;
  /** By the source's clock, microseconds since the Unix epoch: what was committed before it is covered. */
  readonly committedAt: number | null;
  /** Never negative; measured by our own clock, whatever the source's says. */
  readonly stalenessMs: number | null;
}

export interface SourceWatermark extends Watermark {
  /** Tables that are held back by themselves: paused, or read anew. Their changes are not covered by the source's watermark. */
  readonly heldTables: Readonly<Record<string, Watermark>>;
  /** Of this source, as far as they are kept: changes that a gate refused, and records that could not be read. */
  readonly quarantined: number;
  readonly deadLettered: number;
}

/** Of a source that no tracker has said anything of. */
export const UNTRACKED: SourceWatermark = {
  state: 'unknown',
  reason: 'not-tracked-yet',
  epoch: null,
  position: null,
  committedAt: null,
  stalenessMs: null,
  heldTables: {},
  quarantined: 0,
  deadLettered: 0,
};

/** A document of the asking tenant that a gate keeps out, as it stands now. */
export interface RefusedDocument {
  readonly documentId: string;
  readonly version: string;
  /** Of the closed lists of gates and their reasons. */
  readonly gate: string;
  readonly reason: string;
}

/** What a retrieval says of its age. */
export interface Receipt {
  /** Name of the index replica that answered. */
  readonly index: string;
  /** Id of the embedding model of the query and of every hit; journaled receipts of before it have none. */
  readonly model?: string;
  /** Microseconds since the Unix epoch. */
  readonly at: number;
  /** Taken before the index was searched: what is found is at least as new. */
  readonly watermarks: Readonly<Record<string, SourceWatermark>>;
  /** The oldest of the sources searched, and of a held table where the filter or a hit names it. Null while one is unknown. */
  readonly stalenessMs: number | null;
  /** Whether that is within what was asked for, or else within the objective of the configuration. Null while unknown. */
  readonly fresh: boolean | null;
  /** The newest commit that this index has applied, by source: what is known before watermarks are. */
  readonly newestApplied: Readonly<
    Record<string, { readonly version: string; readonly committedAt: number }>
  >;
  /**
   * After `after`: documents of this tenant and source, and of the table that the filter names, that a gate refused: all behind the
   * position, and the newest before it. Newest first.
   */
  readonly refused?: readonly RefusedDocument[];
  /** There are more than are told. */
  readonly moreRefused?: boolean;
}

export interface SearchResponse {
  readonly hits: readonly SearchHit[];
  /** How it was found: `vector` where a hybrid search had no keyword index to ask (starting, or too large for its memory). */
  readonly mode?: SearchMode;
  readonly receipt: Receipt;
}

/** Retrieval as agents and the gateway see it. Errors: `index-unavailable`, `request-invalid`, `stale`. */
export interface Retriever {
  search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResponse>;
}
