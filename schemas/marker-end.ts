/**
 * The end of a marker in freshet.documents (decision 26): a record without a value, so that compaction takes document, marker and, after
 * `delete.retention.ms`, the end itself. Its header names the version that ends, so that it takes away nothing newer, whoever writes
 * it and however late.
 */
import { cloudEventHeaders } from './cloud-event.ts';
import { placeOfDocument } from './document-id.ts';
import type { Document } from './records.ts';
import { timingOfNothing } from './timing-of-nothing.ts';
import { isVersion } from './version.ts';

const VERSION_HEADER = 'freshet-version';

export const markerEndHeaders = (
  { documentId, version }: Pick<Document, 'documentId' | 'version'>,
  source: string,
  at: number,
): Readonly<Record<string, string>> => ({
  ...cloudEventHeaders({ id: `${documentId}@${version}:end`, type: 'freshet.marker-end', source, at }),
  [VERSION_HEADER]: version,
});

/** The marker that a record without a value ends, as far as its key and header say; undefined where they are nobody's of ours. */
export const endedMarkerOf = (record: {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
}): Document | undefined => {
  const { topic, partition, offset } = record;
  const documentId = record.key?.toString('utf8') ?? '';
  const version = record.headers[VERSION_HEADER]?.toString('utf8') ?? '';
  const place = placeOfDocument(documentId);
  if (!place || !isVersion(version)) return undefined;
  const { source, table } = place;
  return {
    ...{ kind: 'deleted', documentId, source, table, version },
    ...{ tenant: null, title: '', text: '', metadata: {}, model: '', chunks: [] },
    ...{ reason: null, flags: [], stale: null, fingerprint: null, carried: {} },
    timing: timingOfNothing(0),
    change: { topic, partition, offset },
  };
};
