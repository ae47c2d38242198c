import type { DocumentTable, StoredDocument } from '../connectors/document-table/document-table.ts';
import { turn } from '../schemas/event-loop-turn.ts';

/** A millisecond or two. */
const DOCUMENTS_AT_ONCE = 20;

/**
 * The documents of a partition whose id begins with a prefix, some between two turns of the event loop, each as it stands when its
 * turn comes. Nothing of the table is held meanwhile (see `standings` there).
 */
export const documentSlices = async function* (
  table: Pick<DocumentTable, 'standings' | 'get'>,
  partition: number,
  prefix = '',
): AsyncGenerator<readonly StoredDocument[]> {
  for (let after: string | undefined; ; ) {
    const slice = table.standings(partition, prefix, { after, most: DOCUMENTS_AT_ONCE });
    yield slice.flatMap(({ documentId }) => table.get(partition, documentId) ?? []);
    if (slice.length < DOCUMENTS_AT_ONCE) return;
    after = slice.at(-1)?.documentId;
    await turn();
  }
};
