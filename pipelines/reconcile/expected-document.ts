/** What mapping and gates make of rows as they are now: what the index should hold of them. */
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { ScannedRow } from '../../connectors/sources/row-scanner.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import { changeTopic } from '../../schemas/topics.ts';
import type { Version } from '../../schemas/version.ts';
import { documentDigest } from '../document-digest.ts';
import { type Prepared, type PrepareSettings, prepareChanges } from '../index-documents/prepare-changes.ts';

export interface ExpectedDocument {
  readonly documentId: string;
  /** Null: no document, for a gate refuses it. */
  readonly digest: string | null;
  /** The mapping failed on the row, or found columns of it missing: nothing is known of what the index should hold. */
  readonly unmapped: boolean;
  readonly prepared: Prepared;
}

/** A record that stands for a read of the row, where a pipeline wants to know which change it works on. */
const readRecord = (source: string, key: ScannedRow['key'], now: number): KafkaRecord => ({
  topic: changeTopic(source).name,
  partition: 0,
  // Of a repair there is no change: nothing was captured.
  offset: -1,
  timestamp: Math.floor(now / 1_000),
  key: changeKey(key),
  value: null,
  headers: {},
});

/** The key of a row's changes as Connect writes it: schemaless JSON, in the order of the primary key. */
export const changeKey = (key: ScannedRow['key']): Buffer =>
  Buffer.from(
    `{${Object.entries(key)
      .map(
        ([name, value]) =>
          `${JSON.stringify(name)}:${typeof value === 'bigint' ? value : JSON.stringify(value)}`,
      )
      .join(',')}}`,
  );

/** `version` matters where the result is to be written; for comparing, any will do. */
export const expectedDocument = async (
  settings: PrepareSettings,
  place: { readonly source: string; readonly table: string },
  { key, row }: ScannedRow,
  version: Version,
): Promise<ExpectedDocument> => {
  const { source, table } = place;
  const now = settings.clock();
  const [prepared] = await prepareChanges(
    settings,
    { standing: () => undefined, newest: () => undefined, floor: () => undefined },
    [
      {
        record: readRecord(source, key, now),
        source,
        read: {
          kind: 'change',
          change: {
            kind: 'upsert',
            table,
            version,
            committedAt: now,
            capturedAt: now,
            key,
            row,
            read: true,
            unavailable: [],
          },
        },
      },
    ],
  );
  if (!prepared) throw new Error('one change was prepared as none');
  const documentId = documentIdOf(source, table, key);
  if (prepared.kind !== 'document') {
    const unmapped = prepared.kind === 'refused' && prepared.refusal.reason === 'mapping-failed';
    return { documentId, digest: null, unmapped, prepared };
  }
  const hashes = prepared.chunks.map(({ hash }) => hash);
  const digest = documentDigest({ ...prepared.draft, model: settings.model }, hashes);
  return { documentId, digest, unmapped: false, prepared };
};
