/** What a retrieval asks and answers. */
export interface SearchRequest {
  readonly query: string;
  readonly tenant: string;
  /** 1 to 100. */
  readonly topK: number;
  /** Metadata that must be equal; `source` and `table` are such names too. */
  readonly filter?: Readonly<Record<string, string>>;
}

export interface SearchHit {
  readonly documentId: string;
  /** Index of the chunk in its document. */
  readonly chunk: number;
  readonly title: string;
  readonly text: string;
  /** Cosine similarity. */
  readonly score: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly version: string;
  /** Milliseconds since this version was committed in its source. */
  readonly ageMs: number;
}

/** How much of its source an answer covers. `unknown` is its own state, not "fresh" (rule W). */
export interface Watermark {
  readonly state: 'known' | 'unknown';
  readonly position: string | null;
  readonly committedAt: number | null;
}

/** What a retrieval says of its age. */
export interface Receipt {
  /** Name of the index replica that answered. */
  readonly index: string;
  /** Microseconds since the Unix epoch. */
  readonly at: number;
  readonly watermarks: Readonly<Record<string, Watermark>>;
  /** Null while a watermark is unknown. */
  readonly stalenessMs: number | null;
  readonly fresh: boolean | null;
  /** The newest commit that this index has applied, by source: what is known before watermarks are. */
  readonly newestApplied: Readonly<
    Record<string, { readonly version: string; readonly committedAt: number }>
  >;
}

export interface SearchResponse {
  readonly hits: readonly SearchHit[];
  readonly receipt: Receipt;
}

/** Retrieval as agents and the gateway see it. Errors: `index-unavailable`, `request-invalid`. */
export interface Retriever {
  search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResponse>;
}
