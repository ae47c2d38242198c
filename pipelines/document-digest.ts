/** What a document says, as one short text: equal where mapping, gates and chunks made the same of a row. Pure. */
import { createHash } from 'node:crypto';
import type { Document } from '../schemas/records.ts';

export const documentDigest = (
  record: Pick<Document, 'tenant' | 'title' | 'text' | 'metadata'> & { readonly model: string },
  chunkHashes: readonly string[],
): string =>
  createHash('sha256')
    .update(
      JSON.stringify([
        record.tenant,
        record.title,
        record.text,
        Object.entries(record.metadata).sort(([a], [b]) => (a < b ? -1 : 1)),
        record.model,
        chunkHashes,
      ]),
    )
    .digest('hex')
    .slice(0, 32);
