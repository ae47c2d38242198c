/**
 * The newest record of every document, on local disk, by partition of freshet.documents: a view of that topic that
 * can be dropped at any time. Holds the next offset to read with the documents, in one transaction, so that a crash
 * leaves a state that some prefix of the topic explains.
 */
import type { Document } from '../../schemas/records.ts';
import type { RowPlace } from '../vector-index/vector-index.ts';

export interface StoredDocument {
  readonly record: Document;
  /** Offset in freshet.documents. */
  readonly offset: number;
  /** The same record in Avro under this release's schema, where it is at hand: it is not encoded once more. */
  readonly body?: Buffer | undefined;
}

/** Where a row of the vector index comes from: present exactly while its document's update is visible. */
export interface ChunkOrigin {
  readonly partition: number;
  readonly documentId: string;
  /** Index into `record.chunks`. */
  readonly chunk: number;
}

/** A refused document, as it stands. */
export interface RefusedStanding {
  readonly documentId: string;
  readonly table: string;
  readonly version: string;
  /** `gate: reason`. */
  readonly reason: string;
}

/** What stands of a document, without its text and vectors. */
export interface DocumentStanding {
  readonly version: string;
  readonly kind: Document['kind'];
  readonly offset: number;
}

/** One atomic write to one partition. */
export interface TableWrite {
  readonly partition: number;
  /** The next offset to read after this write. */
  readonly position: number;
  /** Of a partition that begins to be read: where its log ended then. Kept until the partition is cleared. */
  readonly historyEnd?: number;
  readonly documents?: readonly StoredDocument[];
  /** Document ids to remove (below a floor). */
  readonly removed?: readonly string[];
  /** Floors by `source/table` key of the caller's choice (floorIdOf): a later one replaces. */
  readonly floors?: readonly { readonly id: string; readonly version: string; readonly offset: number }[];
  /** Rows of the vector index that become visible. */
  readonly rows?: readonly { readonly rowId: string; readonly origin: ChunkOrigin }[];
  /** Rows that stop being visible, still to be removed from the vector index. A row in `rows` too stays visible. */
  readonly staleRows?: readonly RowPlace[];
}

export interface DocumentTable {
  get(partition: number, documentId: string): StoredDocument | undefined;
  /** Version, kind and offset alone, without decoding text and vectors. */
  standing(partition: number, documentId: string): DocumentStanding | undefined;
  /**
   * What stands of documents whose id begins with a prefix, in id order (ids equal in their first 1,800 bytes: in any): at most `most`,
   * from behind an id on, be it held or not; fewer at the end alone. Whoever walks a table over many turns of the event loop goes by
   * these: a loop that stays open over a turn keeps every page that writes free meanwhile, and the file grows by them for good.
   */
  standings(
    partition: number,
    prefix: string,
    slice: { readonly after: string | undefined; readonly most: number },
  ): readonly (DocumentStanding & { readonly documentId: string })[];
  floor(partition: number, floorId: string): string | undefined;
  /**
   * Deleted markers whose id begins with a prefix, in the order of `standings`, as they were when the loop began; what is none is not
   * decoded. Within one turn of the event loop: see there.
   */
  deleted(partition: number, prefix: string): Iterable<StoredDocument>;
  origin(rowId: string): ChunkOrigin | undefined;
  /** Rows that were made stale and not yet reported removed: what a crash left behind. */
  staleRows(): Iterable<RowPlace>;
  /** The next offset to read; undefined where nothing was read yet. */
  position(partition: number): number | undefined;
  /** What stands in the log before it was history when the partition began to be read; undefined where nobody said so. */
  historyEnd(partition: number): number | undefined;
  /** Milliseconds since the Unix epoch: when the partition was last written to; undefined where nothing was read yet. */
  writtenAt(partition: number): number | undefined;
  /** Of one partition each. All or nothing; visible to reads when it returns. */
  write(...writes: readonly TableWrite[]): void;
  /** Forgets stale rows that the vector index no longer holds. */
  forgetStaleRows(rowIds: readonly string[]): void;
  /** Drops one partition (it moved elsewhere, or is to be rebuilt). Its rows become stale. */
  clear(partition: number): void;
  /** Documents, markers apart, whose id begins with a prefix; without decoding them. */
  countOf(partition: number, prefix: string): number;
  /**
   * Another document of the tenant, in any partition of this table, with the same text (first 8 bytes of a fingerprint) or a
   * SimHash (last 8) of which so many bits are equal. Looks at a bounded number of those that share a quarter of it.
   */
  find(
    tenant: string,
    documentId: string,
    fingerprint: Buffer,
    leastEqualBits: number,
    /** Whether a document counts; every one where left out. */
    counts?: (documentId: string) => boolean,
  ): { readonly documentId: string; readonly same: boolean } | undefined;
  /** Refused documents of a tenant and source in every partition of this table, newest version first. */
  refusals(tenant: string, source: string): Iterable<RefusedStanding>;
  count(partition: number): { readonly documents: number; readonly markers: number };
  /** Written to disk when it resolves. */
  flushed(): Promise<void>;
  close(): Promise<void>;
}
