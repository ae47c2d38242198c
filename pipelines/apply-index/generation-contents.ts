/**
 * What a generation of the index says, apart from how it is stored: each document and marker by a digest, with its rows of the
 * engine. Taken while documents may be applied; what came meanwhile is looked at once more.
 */
import { createHash } from 'node:crypto';
import { tablePrefixOf } from '../../schemas/document-id.ts';
import { turn } from '../../schemas/event-loop-turn.ts';
import type { Document } from '../../schemas/records.ts';
import { documentSlices } from '../document-slices.ts';
import type { IndexGeneration } from './apply-documents.ts';
import { rowsOf } from './index-rows.ts';

interface Content {
  readonly partition: number;
  readonly digest: string;
  readonly isDocument: boolean;
  /** Rows that the engine has. */
  readonly rows: number;
}

/** By document id. */
export type GenerationContents = Map<string, Content>;

/** Records of which a generation may have changed its mind. */
export interface TouchedDocuments {
  take(partition: number, record: Pick<Document, 'kind' | 'documentId' | 'source' | 'table'>): void;
  /** Those of a generation: named by a record, or of a table that a floor came for. */
  of(contents: GenerationContents): ReadonlyMap<string, number>;
}

export const createTouchedDocuments = (): TouchedDocuments => {
  const named = new Map<string, number>();
  const floored = new Map<string, { readonly partition: number; readonly prefix: string }>();
  return {
    take: (partition, { kind, documentId, source, table }) => {
      const prefix = tablePrefixOf(source, table);
      if (kind === 'floor') floored.set(`${partition} ${prefix}`, { partition, prefix });
      else named.set(documentId, partition);
    },
    of: (contents) => {
      const touched = new Map(named);
      if (floored.size === 0) return touched;
      const floors = [...floored.values()];
      for (const [id, { partition }] of contents)
        if (floors.some((each) => each.partition === partition && id.startsWith(each.prefix)))
          touched.set(id, partition);
      return touched;
    },
  };
};

/** Between two turns of the event loop: searches go on. */
const DOCUMENTS_AT_ONCE = 20;
const IDS_AT_ONCE = 2_000;

const contentOf = async (
  { index }: IndexGeneration,
  partition: number,
  record: Document,
): Promise<Content> => {
  const rows = rowsOf(record);
  const ids = [...new Set(rows.map(({ id }) => id))];
  const there = await index.has(rows);
  const { kind, version, tenant, title, text, metadata } = record;
  const digest = createHash('sha256')
    .update(JSON.stringify([kind, version, tenant, title, text, metadata]))
    .update(JSON.stringify(ids.filter((id) => there.has(id))))
    .digest('hex');
  return { partition, digest, isDocument: kind === 'document', rows: there.size };
};

/** Errors: `index-corrupt`, `index-unavailable`. */
export const contentsOf = async (
  generation: IndexGeneration,
  partitions: readonly number[],
): Promise<GenerationContents> => {
  const contents: GenerationContents = new Map();
  for (const partition of partitions) {
    for await (const slice of documentSlices(generation.table, partition))
      for (const { record } of slice)
        contents.set(record.documentId, await contentOf(generation, partition, record));
  }
  return contents;
};

/** Takes documents into `contents` as they stand now. Errors: as contentsOf. */
export const lookAgain = async (
  generation: IndexGeneration,
  contents: GenerationContents,
  documents: ReadonlyMap<string, number>,
): Promise<void> => {
  let looked = 0;
  for (const [id, partition] of documents) {
    looked += 1;
    if (looked % DOCUMENTS_AT_ONCE === 0) await turn();
    const record = generation.table.get(partition, id)?.record;
    if (record) contents.set(id, await contentOf(generation, partition, record));
    else contents.delete(id);
  }
};

export const summaryOf = (
  contents: GenerationContents,
): { readonly documents: number; readonly rows: number } => {
  let documents = 0;
  let rows = 0;
  for (const content of contents.values()) {
    if (content.isDocument) documents += 1;
    rows += content.rows;
  }
  return { documents, rows };
};

/** Ids of documents that the two say differently. */
export const differencesOf = async (
  a: GenerationContents,
  b: GenerationContents,
): Promise<readonly string[]> => {
  const different: string[] = [];
  let compared = 0;
  const compare = async (these: GenerationContents, those: GenerationContents, differ: typeof isOther) => {
    for (const [id, content] of these) {
      compared += 1;
      if (compared % IDS_AT_ONCE === 0) await turn();
      if (differ(content, those.get(id))) different.push(id);
    }
  };
  await compare(a, b, isOther);
  await compare(b, a, (_, other) => other === undefined);
  return different;
};

const isOther = ({ digest }: Content, other: Content | undefined): boolean => digest !== other?.digest;
