import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import { floorIdOf, placeOfDocument } from '../../schemas/document-id.ts';

/** Whether a document stands in a partition, and not only until the floor above it comes to it: of a large table that takes many turns. */
export const standsAboveFloor = (
  table: Pick<DocumentTable, 'standing' | 'floor'>,
  partition: number,
  documentId: string,
): boolean => {
  const standing = table.standing(partition, documentId);
  const place = placeOfDocument(documentId);
  if (!standing || !place) return false;
  return standing.version >= (table.floor(partition, floorIdOf(place.source, place.table)) ?? '');
};
