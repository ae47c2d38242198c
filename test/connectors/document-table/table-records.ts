/** Documents for the tests of the document table. */
import type { StoredDocument } from '../../../connectors/document-table/document-table.ts';
import { bytesOfVector } from '../../../connectors/vector-index/vector-codec.ts';
import type { Document } from '../../../schemas/records.ts';
import { makeVersion } from '../../../schemas/version.ts';

export const versionOf = (position: number): string => makeVersion(1, [BigInt(position), 0n]);

/** A stored record with as many chunks as it has vectors. */
export const storedDocument = (
  documentId: string,
  offset: number,
  fields: Partial<Document> = {},
  vectors: readonly Float32Array[] = [],
): StoredDocument => ({
  offset,
  record: {
    kind: 'document',
    documentId,
    source: 'helpcentre',
    table: 'public.articles',
    version: versionOf(offset),
    tenant: 'acme',
    title: `Title of ${documentId.slice(0, 40)}`,
    text: 'How to reset a password. Schlüssel, 鍵, 🔑.',
    metadata: { category: 'account' },
    model: 'minilm',
    chunks: vectors.map((vector, index) => ({
      hash: index.toString(16).padStart(32, '0'),
      start: index,
      end: index + 1,
      vector: bytesOfVector(vector),
    })),
    reason: null,
    flags: [],
    stale: null,
    fingerprint: null,
    carried: {},
    timing: {
      committedAt: 1_763_000_000_000_000,
      capturedAt: 0,
      inKafkaAt: 0,
      gatedAt: 0,
      embeddedAt: 0,
      basis: 'commit',
    },
    change: { topic: 'cdc.helpcentre', partition: 1, offset: 42 },
    ...fields,
  },
});
