/**
 * Mends what a comparison found, and nothing else, through the log: a record made of the row as it is, of a version just
 * above the one it mends (repairVersion), so every index gets it and whatever the source commits later still wins.
 */
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import { partitionOfKey } from '../../connectors/kafka/partition-of-key.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { Document } from '../../schemas/records.ts';
import { timingOfNothing } from '../../schemas/timing-of-nothing.ts';
import { PARTITIONS, TOPICS } from '../../schemas/topics.ts';
import { isVersion, makeVersion, repairVersion, type Version } from '../../schemas/version.ts';
import { deletedMarker } from '../index-documents/document-records.ts';
import { type EmbedSettings, embedDocuments } from '../index-documents/embed-documents.ts';
import type { PrepareSettings } from '../index-documents/prepare-changes.ts';
import { documentHeaders } from '../index-documents/records-to-append.ts';
import { changeKey, expectedDocument } from './expected-document.ts';
import type { Divergent } from './reconcile-table.ts';

export interface RepairSettings {
  readonly source: string;
  readonly table: string;
  /** Of the source now: what a document that nothing at all is held of is written under. */
  readonly epoch: number;
  /** When the rows were read, by the source's clock: it is what ages are held against. */
  readonly readAt: number;
  readonly prepare: PrepareSettings;
  readonly embed: EmbedSettings;
  readonly index: Pick<IndexService, 'restore'>;
  readonly writer: RecordWriter;
  readonly codec: Pick<RecordCodec, 'encode'>;
}

/**
 * What a document that nothing at all is held of is written under: below every read of a snapshot, so that whatever the source
 * says of the row wins, and above the floor that the table had when the row was read, which would delete it again. A later floor does.
 */
const versionOfNothing = ({ epoch }: RepairSettings, { floor }: Divergent): Version => {
  const least = makeVersion(epoch, [0n, 1n]);
  return floor !== null && isVersion(floor) && floor > least ? repairVersion(floor) : least;
};

/** A repair is no commit: the row may have stood so for hours, and nobody waited for this record of it. */
const asRepair = (record: Document, committedAt: number): Document => ({
  ...record,
  timing: { ...record.timing, committedAt, basis: 'none' },
});

const recordOf = async (settings: RepairSettings, divergent: Divergent): Promise<Document | undefined> => {
  const { source, table, prepare } = settings;
  const { documentId, held, row } = divergent;
  const version =
    held && isVersion(held.version) ? repairVersion(held.version) : versionOfNothing(settings, divergent);
  const now = prepare.clock();
  if (!row) {
    const timing = timingOfNothing(now);
    const position = { topic: `cdc.${source}`, partition: held?.partition ?? 0, offset: -1 };
    return deletedMarker({ documentId, source, change: { table, version }, position, timing });
  }
  const { prepared, unmapped } = await expectedDocument(prepare, { source, table }, row, version);
  // A refusal of the mapping's own fault would take out what the index has.
  if (unmapped) return undefined;
  const [outcome] = await embedDocuments(settings.embed, [prepared]);
  return outcome && 'record' in outcome ? outcome.record : undefined;
};

/** How many documents were mended. Errors: `append-failed`, `model-failed`, `index-unavailable`: doing it again is safe. */
export const repairDocuments = async (
  settings: RepairSettings,
  divergents: readonly Divergent[],
): Promise<number> => {
  const unfindable = divergents.filter(({ divergence }) => divergence === 'unfindable');
  if (unfindable.length > 0) await settings.index.restore(unfindable.map(({ documentId }) => documentId));
  let mended = unfindable.length;
  for (const divergent of divergents) {
    if (divergent.divergence === 'unfindable') continue;
    const made = await recordOf(settings, divergent);
    if (!made) continue;
    const record = asRepair(made, settings.readAt);
    const partition =
      divergent.held?.partition ??
      partitionOfKey(divergent.row ? changeKey(divergent.row.key) : Buffer.alloc(0), PARTITIONS);
    await settings.writer.append([
      {
        topic: TOPICS.documents.name,
        partition,
        key: record.documentId,
        value: settings.codec.encode('Document', record),
        headers: documentHeaders(record, settings.prepare.clock()),
      },
    ]);
    mended += 1;
  }
  return mended;
};
