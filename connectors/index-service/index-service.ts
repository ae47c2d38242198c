/**
 * The index role over HTTP on loopback: the vector engine's lock makes one process its owner, and this is how the
 * others search, trace and rebuild. Bodies are JSON; errors are {code, message}.
 */
import type { Document } from '../../schemas/records.ts';
import type { Retriever, SearchRequest, SourceWatermark } from '../../schemas/search.ts';

export interface TracedDocument {
  readonly record: Omit<Document, 'chunks'> & {
    readonly chunks: readonly {
      readonly hash: string;
      readonly start: number;
      readonly end: number;
      readonly inIndex: boolean;
    }[];
  };
  readonly partition: number;
  readonly offset: number;
}

export interface IndexStatus {
  readonly name: string;
  readonly engine: string;
  readonly model: string;
  readonly current: boolean;
  readonly waiting: number;
  readonly documents: number;
  readonly markers: number;
  readonly rows: number;
  /** Why it applies nothing at the moment, such as a full disk: searches go on in what is there. */
  readonly trouble: string | null;
  /** Rows that the engine has not built in yet, whether it is building, and why it could not. */
  readonly build: { readonly recent: number; readonly running: boolean; readonly failure: string | null };
  /** The words beside the vectors: searches are by vectors alone until it is ready. Null where there is none. */
  readonly keywords: {
    readonly ready: boolean;
    readonly rows: number;
    readonly bytes: number;
    readonly tenantsLeftOut: number;
    readonly failure: string | null;
  } | null;
  /** Next offset of freshet.documents to apply, by partition. */
  readonly positions: Readonly<Record<string, number>>;
}

export interface RebuildReport {
  readonly records: number;
  readonly documents: number;
  readonly rows: number;
  /** The rebuilt index equals the one that served, row for row. */
  readonly identical: boolean;
  /** Document ids that differ, at most 20. */
  readonly different: readonly string[];
  readonly ms: number;
}

export interface RebuildProgress {
  readonly done: boolean;
  readonly records: number;
  readonly of: number;
  readonly report?: RebuildReport;
}

/** A document of the index, as far as comparing it needs. */
export interface HeldDocument {
  readonly documentId: string;
  readonly kind: Document['kind'];
  readonly version: string;
  /** Of freshet.documents. */
  readonly partition: number;
  /** pipelines/document-digest.ts */
  readonly digest: string;
  /** `gate: reason` of a marker that a gate, or a person, left; null for what is none. */
  readonly refusal: string | null;
  /** A search can find it: a document, or what a refused one keeps of before. */
  readonly searchable: boolean;
  /** Chunks whose row is not in the vectors. */
  readonly vectorsMissing: number;
}

export interface IndexService extends Retriever {
  /** Waits until the index covers what a search with these would find. Errors: `stale`. */
  covers(asked: Pick<SearchRequest, 'freshness' | 'filter'>, signal?: AbortSignal): Promise<void>;
  /** Those of the documents that are held, markers too, in any order. At most 1,000. */
  describe(documentIds: readonly string[]): Promise<readonly HeldDocument[]>;
  /** The newest floor of a table: what is older is deleted. Null where it never had one. */
  floor(source: string, table: string): Promise<string | null>;
  /** Ids of all documents of a table that a search can find, each as it stands when its turn comes. */
  list(source: string, table: string): AsyncIterable<string>;
  /** Writes rows again that the vectors have lost, of these documents; gives how many. */
  restore(documentIds: readonly string[]): Promise<number>;
  /** Undefined where the index holds nothing of that id. */
  document(documentId: string): Promise<TracedDocument | undefined>;
  status(): Promise<IndexStatus>;
  /** How much of each source this index covers. */
  watermarks(): Promise<Readonly<Record<string, SourceWatermark>>>;
  /** Progress as it comes; the last one carries the report. Errors: `conflict` while one is running. */
  rebuild(): AsyncIterable<RebuildProgress>;
  /** Where this is several replicas: one of them, for answers that must fit together. Errors: `index-unavailable`. */
  one?(): Promise<IndexService>;
}

/** One of several index roles that hold the same. */
export interface IndexReplica extends IndexService {
  /** Null: ready. Otherwise what it waits for, or why it applies nothing. Costs the role nothing. */
  notReady(): Promise<string | null>;
}
