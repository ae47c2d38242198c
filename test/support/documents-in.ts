import type { DocumentTable, StoredDocument } from '../../connectors/document-table/document-table.ts';

/** All that a partition holds under a prefix, in the order of `standings`. */
export const documentsIn = (
  table: Pick<DocumentTable, 'standings' | 'get'>,
  partition: number,
  prefix = '',
): readonly StoredDocument[] =>
  table
    .standings(partition, prefix, { after: undefined, most: Number.POSITIVE_INFINITY })
    .flatMap(({ documentId }) => table.get(partition, documentId) ?? []);
