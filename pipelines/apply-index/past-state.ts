/**
 * The documents as they stood at a time, folded from the log up to it, as far as one question needs: of each document the
 * newest version and, of what the question is about, how near its chunks are. Of every other document no more is kept than
 * its id and version, some 160 bytes: whatever is older and comes later must not be found. Pure.
 */
import { vectorOfBytes } from '../../connectors/vector-index/vector-codec.ts';
import { floorIdOf } from '../../schemas/document-id.ts';
import { isSearchable } from '../../schemas/document-order.ts';
import { FreshetError } from '../../schemas/errors.ts';
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
  /** Documents that may be held, of all tenants and deleted ones too. Default MOST_DOCUMENTS. */
  readonly mostDocuments?: number;
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

/** A third of a gigabyte where none are the tenant's, 0.8 where all are. */
const MOST_DOCUMENTS = 2_000_000;

interface Table {
  readonly source: string;
  /** Below it nothing stands. */
  floor: string;
}

interface Near {
  readonly chunk: number;
  readonly score: number;
}

interface Standing {
  readonly version: string;
  /** Of what it shows: a marker may keep what was good before it. */
  readonly shown: string;
  readonly table: Table;
  readonly offset: number;
  readonly nearest: readonly Near[];
}

interface Partition {
  /** By floor id. */
  readonly tables: Map<string, Table>;
  /** By document id; of what cannot be found, a marker or of another tenant, its version alone. */
  readonly standings: Map<string, Standing | string>;
}

export interface PastState {
  /** Errors: `request-too-large` above `mostDocuments`. */
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

const versionOf = (held: Standing | string | undefined): string =>
  typeof held === 'string' ? held : (held?.version ?? '');

export const createPastState = (question: PastQuestion): PastState => {
  const { vector, space, tags, model, most, mostDocuments = MOST_DOCUMENTS } = question;
  const partitions = new Map<number, Partition>();
  let documents = 0;

  const heldOf = (partition: number): Partition => {
    const held = partitions.get(partition) ?? { tables: new Map(), standings: new Map() };
    partitions.set(partition, held);
    return held;
  };

  const tableOf = ({ tables }: Partition, floorId: string, source: string): Table => {
    const table = tables.get(floorId) ?? { source, floor: '' };
    tables.set(floorId, table);
    return table;
  };

  const nearestOf = (record: Document): readonly Near[] => {
    if (!isSearchable(record) || spaceOfDocument(record) !== space || record.model !== model) return [];
    const held = tagsOf(record);
    if (!tags.every((tag) => held.includes(tag))) return [];
    const all = record.chunks.map((piece, chunk) => ({
      chunk,
      score: cosineOf(vector, vectorOfBytes(piece.vector)),
    }));
    return all.sort((a, b) => b.score - a.score || a.chunk - b.chunk).slice(0, most.ofDocument);
  };

  const countOneMore = (): void => {
    documents += 1;
    if (documents > mostDocuments)
      throw new FreshetError(
        'request-too-large',
        `the log up to then tells of more than ${mostDocuments} documents, deleted ones and those of other tenants counted, which is the most that a search of the past looks through; search without asOf, or look at one document (freshet document trace <id>)`,
      );
  };

  const standing = function* (): Iterable<PastHit> {
    for (const [partition, { standings }] of partitions)
      for (const [documentId, held] of standings) {
        if (typeof held === 'string' || held.shown < held.table.floor) continue;
        const { table, offset, nearest } = held;
        for (const near of nearest) yield { documentId, source: table.source, ...near, partition, offset };
      }
  };

  return {
    take: (record, partition, offset) => {
      const held = heldOf(partition);
      const { documentId, source, version } = record;
      if (record.kind === 'floor') {
        const table = tableOf(held, documentId, source);
        if (table.floor < version) table.floor = version;
        return;
      }
      const before = held.standings.get(documentId);
      if (versionOf(before) >= version) return;
      if (before === undefined) countOneMore();
      const nearest = nearestOf(record);
      if (nearest.length === 0) {
        held.standings.set(documentId, version);
        return;
      }
      const table = tableOf(held, floorIdOf(source, record.table), source);
      const shown = record.stale?.version ?? version;
      held.standings.set(documentId, { version, shown, table, offset, nearest });
    },
    hits: () => bestOf(standing(), most.ofSource),
  };
};
