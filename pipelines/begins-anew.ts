import type { DocumentTable } from '../connectors/document-table/document-table.ts';
import { MARKER_ENDS_KEPT_MS } from '../schemas/topics.ts';

/** Clocks of machines, and the time that reading on takes. */
const MARGIN_MS = 2 * 86_400_000;

/**
 * Whether a table's partition of freshet.documents is to begin anew: it is ahead of its log, which was made anew; or so much time has
 * passed over what it has not read that the end of a marker may have come and gone, and with it all that the log said of the document
 * (decision 26). `latest`: where the log ends; `now` in microseconds. Pure but for the table.
 */
export const beginsAnew = (
  table: Pick<DocumentTable, 'position' | 'writtenAt'>,
  { partition, latest, now }: { readonly partition: number; readonly latest: number; readonly now: number },
): boolean => {
  const position = table.position(partition);
  if (position === undefined || position === latest) return false;
  const writtenAt = table.writtenAt(partition) ?? 0;
  return position > latest || now / 1_000 - writtenAt > MARKER_ENDS_KEPT_MS - MARGIN_MS;
};
