/** The keyword index beside the vectors: rows of documents, and its filling from the document table at a start. */
import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import type { KeywordIndex, KeywordRow } from '../../connectors/keyword-index/keyword-index.ts';
import { isSearchable } from '../../schemas/document-order.ts';
import { spaceOfDocument } from '../../schemas/memory-source.ts';
import type { Document } from '../../schemas/records.ts';
import { documentSlices } from '../document-slices.ts';
import { rowIdOf, tagsOf } from './index-rows.ts';

/** One row a chunk, of the ids in `wanted`: title and slice, as it was embedded. */
export const keywordRows = (record: Document, wanted: (rowId: string) => boolean): readonly KeywordRow[] => {
  const tags = tagsOf(record);
  return record.chunks.flatMap((chunk) => {
    const id = rowIdOf(record, chunk.hash, tags);
    if (!wanted(id)) return [];
    const text = `${record.title}\n${record.text.slice(chunk.start, chunk.end)}`;
    return [{ id, tenant: spaceOfDocument(record), tags, text }];
  });
};

export interface KeywordFill {
  /** True once every document that stood in the table at the beginning is in. */
  done(): boolean;
  /** Resolves when it is done or was stopped. */
  ended: Promise<void>;
  stop(): void;
}

/**
 * Fills the keyword index in the background; searches are by vectors alone until it is done. What changes meanwhile is
 * added by those who change it, so a document is taken as the table holds it in the moment it is handed over.
 */
export const fillKeywords = (
  table: DocumentTable,
  partitions: readonly number[],
  keywords: KeywordIndex,
  onFailure: (thrown: unknown) => void,
): KeywordFill => {
  let done = false;
  let stopped = false;
  const fill = async (): Promise<void> => {
    for (const partition of partitions) {
      for await (const slice of documentSlices(table, partition)) {
        if (stopped) return;
        // In one piece from here on: a row that goes meanwhile must not come back.
        const rows = slice
          .filter(({ record }) => isSearchable(record))
          .flatMap(({ record }) => keywordRows(record, (id) => table.origin(id) !== undefined));
        await keywords.add(rows);
      }
    }
    done = true;
  };
  const ended = fill().catch((thrown: unknown) => {
    // A table that closes under way ends it.
    if (!stopped) onFailure(thrown);
  });
  return {
    done: () => done,
    ended,
    stop: () => {
      stopped = true;
    },
  };
};
