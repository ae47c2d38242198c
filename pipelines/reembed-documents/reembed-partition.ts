/** One partition of a re-embedding: records of freshet.documents in, the same under another model out, in order. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { toError } from '../../schemas/errors.ts';
import { markerEndHeaders } from '../../schemas/marker-end.ts';
import type { Document } from '../../schemas/records.ts';
import { MAX_RECORD_BYTES } from '../../schemas/topics.ts';
import { applyFloors } from '../apply-floors.ts';
import { type BatchQueue, createBatchQueue } from '../batch-queue.ts';
import { type BatchBounds, ofAtMost } from '../batch-size.ts';
import { decodeDocuments } from '../decode-documents.ts';
import { type FoldedDocuments, foldDocuments } from '../fold-documents.ts';
import type { ChunkLimits } from '../index-documents/chunk-text.ts';
import { documentHeaders } from '../index-documents/records-to-append.ts';
import { RECORD_BOUNDS } from '../record-bounds.ts';
import type { Pace } from './pace.ts';
import { documentUnder, type PlannedDocument, planDocument, unembedded } from './reembed-document.ts';
import type { ReembedSettings } from './reembed-settings.ts';

/** The next offset of freshet.documents behind the record that this one was made of. */
export const COVERS_HEADER = 'freshet-covers';

export interface ReembedPartitionSettings
  extends Pick<ReembedSettings, 'model' | 'topic' | 'table' | 'codec' | 'writer' | 'clock' | 'onEvent'> {
  readonly partition: number;
  readonly limits: ChunkLimits;
  readonly pace: Pace;
  /** Offset of freshet.documents from which on nothing waits for its pace. */
  readonly liveFrom: number;
  readonly embed: (planned: readonly PlannedDocument[]) => Promise<ReadonlyMap<string, Float32Array>>;
  /** Everything below this offset of freshet.documents stands in the other log. */
  readonly onDone: (next: number) => Promise<void>;
  readonly onFull: () => void;
  readonly onDrained: () => void;
  readonly onTailFull: () => void;
  readonly onTailDrained: () => void;
}

export interface ReembedPartition {
  /** Of freshet.documents. */
  documents(records: readonly KafkaRecord[]): void;
  /** Of the model's own topic. */
  tail(records: readonly KafkaRecord[]): void;
  waiting(): number;
  abandon(): void;
  /** After it, nothing of this partition touches the table. */
  ended(): Promise<void>;
}

/** Of one size: the rest that the pace takes says nothing of how long a batch works. */
const DOCUMENTS = ofAtMost(16);
const TAIL = ofAtMost(200);
const HIGH_WATER = 500;
const SOURCE = 'freshet/reembed-documents';
const RECORD_MARGIN_BYTES = 64 * 1024;

export const createReembedPartition = (settings: ReembedPartitionSettings): ReembedPartition => {
  const { partition, model, table, codec, topic } = settings;

  /** A record that would pass the topic's limit is a marker: other chunks and vectors may be larger than the first model's. */
  const encode = (record: Document): { readonly record: Document; readonly value: Buffer | null } => {
    const value = codec.encode('Document', record);
    if (value.length <= MAX_RECORD_BYTES - RECORD_MARGIN_BYTES) return { record, value };
    const marker = unembedded(record, 'too-many-bytes');
    return { record: marker, value: codec.encode('Document', marker) };
  };

  const remember = ({ documents, floors, removed }: FoldedDocuments, position: number): void =>
    table.write({ partition, position, documents, floors, removed });

  const processDocuments = async (records: readonly KafkaRecord[], signal: AbortSignal): Promise<void> => {
    const last = records.at(-1);
    if (!last) return;
    const old = records.filter(({ offset }) => offset < settings.liveFrom).length;
    if (old > 0) await sleep(settings.pace.take(old, performance.now()), undefined, { signal });
    const documents = await decodeDocuments(codec, records);
    const planned = documents.map(({ record }) =>
      planDocument(record, table.get(partition, record.documentId)?.record, model, settings.limits),
    );
    const vectors = await settings.embed(planned);
    // The partition may have moved while the model worked; its new owner writes these.
    if (signal.aborted) return;
    const made = planned.map((each, at) =>
      documents[at]?.ended
        ? { record: each.record, value: null }
        : encode(documentUnder(each, model, vectors)),
    );
    const places = await settings.writer.append(
      made.map(({ record, value }, at) => ({
        topic,
        partition,
        key: record.documentId,
        value,
        headers: {
          ...(value === null
            ? markerEndHeaders(record, SOURCE, settings.clock())
            : documentHeaders(record, settings.clock())),
          [COVERS_HEADER]: String((documents[at]?.offset ?? 0) + 1),
        },
      })),
    );
    const appended = made.map(({ record, value }, at) => ({
      ...{ record, ended: value === null },
      offset: places[at]?.offset ?? 0,
    }));
    const folded = foldDocuments(await applyFloors(table, partition, appended), partition, appended);
    remember(folded, table.position(partition) ?? 0);
    const refused = made.filter(
      ({ record }, at) => record.chunks.length === 0 && (planned[at]?.chunks.length ?? 0) > 0,
    ).length;
    settings.onEvent({ type: 'records', outcome: 'appended', count: made.length - refused });
    settings.onEvent({ type: 'records', outcome: 'refused', count: refused });
    await settings.onDone(last.offset + 1);
  };

  /** What stands in the model's log, written by whomever: an older record behind a newer one has the newer appended again (rule C). */
  const processTail = async (records: readonly KafkaRecord[], signal: AbortSignal): Promise<void> => {
    const decoded = await decodeDocuments(codec, records);
    const last = records.at(-1);
    if (!last || signal.aborted) return;
    const held = await applyFloors(table, partition, decoded);
    if (signal.aborted) return;
    let folded = foldDocuments(held, partition, decoded);
    const { again } = folded;
    if (again.length > 0) {
      await settings.writer.append(
        again.map((record) => ({
          topic,
          partition,
          key: record.documentId,
          value: codec.encode('Document', record),
          headers: documentHeaders(record, settings.clock()),
        })),
      );
      // Anew: records may have been appended meanwhile.
      folded = foldDocuments(held, partition, decoded);
    }
    remember(folded, last.offset + 1);
  };

  const queue = (
    process: (records: readonly KafkaRecord[], signal: AbortSignal) => Promise<void>,
    batch: BatchBounds,
    pressure: { readonly onFull: () => void; readonly onDrained: () => void },
  ): BatchQueue<KafkaRecord> =>
    createBatchQueue<KafkaRecord>({
      batch,
      highWater: HIGH_WATER,
      ...RECORD_BOUNDS,
      process,
      ...pressure,
      onRetry: (error, attempt) =>
        settings.onEvent({ type: 'retry', partition, error: toError(error), attempt }),
    });
  const { onFull, onDrained, onTailFull, onTailDrained } = settings;
  const documents = queue(processDocuments, DOCUMENTS, { onFull, onDrained });
  const tail = queue(processTail, TAIL, { onFull: onTailFull, onDrained: onTailDrained });
  return {
    documents: (records) => documents.push(records),
    tail: (records) => tail.push(records),
    waiting: () => documents.waiting(),
    abandon: () => {
      documents.abandon();
      tail.abandon();
    },
    ended: async () => {
      await documents.stop();
      await tail.stop();
    },
  };
};
