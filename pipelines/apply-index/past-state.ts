/**
 * The documents as they stood at a time, folded from the log up to it, as far as one question needs: of each document the
 * newest version and how near its chunks are. Texts and vectors are not kept, so a large log costs little memory. Pure.
 */
import { vectorOfBytes } from '../../connectors/vector-index/vector-codec.ts';
import { floorIdOf } from '../../schemas/document-id.ts';
import { isSearchable } from '../../schemas/document-order.ts';
import { spaceOfDocument } from '../../schemas/memory-source.ts';
import type { Document } from '../../schemas/records.ts';
import { cosineOf } from './cosine.ts';
import { tagsOf } from './index-rows.ts';

export interface PastQuestion {
  readonly vector: Float32Array;
  /** Whose rows are looked at (spaceOfSearch). */
  readonly space: string;
  /** All of these must be on the document. */
  readonly tags: readonly string[];
  /** Vectors of other models cannot be compared. */
  readonly model: string;
  /** Of one document, and of one source, no more can be answered: others are not kept. */
  readonly most: { readonly ofDocument: number; readonly ofSource: number };
}

export interface PastHit {
  readonly documentId: string;
  readonly source: string;
  readonly chunk: number;
  readonly score: number;
  /** Where its record stands in freshet.documents. */
  readonly partition: number;
  readonly offset: number;
}

/** Hits that wait for a sort. */
const SPARE = 1_000;

interface Standing {
  readonly version: string;
  /** Of what it shows: a marker may keep what was good before it. */
  readonly shown: string;
  readonly floorId: string;
  /** Undefined: of another tenant, or a marker. */
  readonly hits: readonly PastHit[] | undefined;
}

export interface PastState {
  take(record: Document, partition: number, offset: number): void;
  /** Chunks of what stood, best first. */
  hits(): readonly PastHit[];
}

const byScore = (a: PastHit, b: PastHit): number =>
  b.score - a.score ||
  (a.documentId < b.documentId ? -1 : a.documentId > b.documentId ? 1 : a.chunk - b.chunk);

/** The best of each source. A million hits are not sorted for the ten that are answered. */
const bestOf = (hits: Iterable<PastHit>, ofSource: number): readonly PastHit[] => {
  const kept = new Map<string, PastHit[]>();
  for (const hit of hits) {
    const held = kept.get(hit.source) ?? [];
    held.push(hit);
    if (held.length > 2 * ofSource + SPARE) held.sort(byScore).splice(ofSource);
    kept.set(hit.source, held);
  }
  return [...kept.values()].flatMap((held) => held.sort(byScore).slice(0, ofSource)).sort(byScore);
};

export const createPastState = ({ vector, space, tags, model, most }: PastQuestion): PastState => {
  const standings = new Map<string, Standing>();
  const floors = new Map<string, string>();

  const hitsOf = (record: Document, partition: number, offset: number): readonly PastHit[] | undefined => {
    if (!isSearchable(record) || spaceOfDocument(record) !== space || record.model !== model)
      return undefined;
    const held = tagsOf(record);
    if (!tags.every((tag) => held.includes(tag))) return undefined;
    const { documentId, source } = record;
    const all = record.chunks.map((piece, chunk) => ({
      documentId,
      source,
      chunk,
      score: cosineOf(vector, vectorOfBytes(piece.vector)),
      partition,
      offset,
    }));
    return all.sort(byScore).slice(0, most.ofDocument);
  };

  const standing = function* (): Iterable<PastHit> {
    for (const { shown, floorId, hits = [] } of standings.values())
      if (shown >= (floors.get(floorId) ?? '')) yield* hits;
  };

  return {
    take: (record, partition, offset) => {
      const place = (id: string): string => `${partition}:${id}`;
      if (record.kind === 'floor') {
        const id = place(record.documentId);
        if ((floors.get(id) ?? '') < record.version) floors.set(id, record.version);
        return;
      }
      const id = place(record.documentId);
      if ((standings.get(id)?.version ?? '') >= record.version) return;
      standings.set(id, {
        version: record.version,
        shown: record.stale?.version ?? record.version,
        floorId: place(floorIdOf(record.source, record.table)),
        hits: hitsOf(record, partition, offset),
      });
    },
    hits: () => bestOf(standing(), most.ofSource),
  };
};
