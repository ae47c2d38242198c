import type { DocumentTable, StoredDocument } from '../connectors/document-table/document-table.ts';
import { turn } from '../schemas/event-loop-turn.ts';

/** A millisecond or two. */
const DOCUMENTS_AT_ONCE = 20;

/**
 * What stands of the documents of a partition whose id begins with a prefix, so many between two turns of the event loop. Nothing of
 * the table is held meanwhile (see `standings` there): which one it is is asked with each slice.
 */
export const standingSlices = async function* (
  table: () => Pick<DocumentTable, 'standings'>,
  partition: number,
  prefix: string,
  most: number,
): AsyncGenerator<ReturnType<DocumentTable['standings']>> {
  for (let after: string | undefined; ; ) {
    const slice = table().standings(partition, prefix, { after, most });
    yield slice;
    if (slice.length < most) return;
    after = slice.at(-1)?.documentId;
    await turn();
  }
};

/** The documents themselves, each as it stands when its turn comes. */
export const documentSlices = async function* (
  table: Pick<DocumentTable, 'standings' | 'get'>,
  partition: number,
  prefix = '',
): AsyncGenerator<readonly StoredDocument[]> {
  for await (const slice of standingSlices(() => table, partition, prefix, DOCUMENTS_AT_ONCE))
    yield slice.flatMap(({ documentId }) => table.get(partition, documentId) ?? []);
};
