/**
 * Reads freshet.documents from its beginning into a second generation, compares it with the one that serves, and puts
 * it in its place: the index is a view of the log, and this proves it. Searches go on in the old generation meanwhile.
 */
import { createHash } from 'node:crypto';
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { decodeDocuments } from '../decode-documents.ts';
import { applyDocuments, type IndexGeneration } from './apply-documents.ts';
import type { ApplyIndex } from './apply-index.ts';
import { rowIdOf } from './index-rows.ts';

export interface RebuildReport {
  readonly records: number;
  readonly documents: number;
  readonly rows: number;
  /** The rebuilt index equals the one that served, row for row. */
  readonly identical: boolean;
  /** Document ids that differ, at most 20. */
  readonly different: readonly string[];
  readonly ms: number;
}

export interface RebuildSettings {
  /** Of documents. */
  readonly topic: string;
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly applyIndex: ApplyIndex;
  readonly serving: () => IndexGeneration;
  readonly openGeneration: () => Promise<IndexGeneration>;
  readonly replace: (next: IndexGeneration) => Promise<void>;
  readonly onProgress: (records: number, of: number) => void;
}

const BATCH = 100;

/** Documents and markers by digest, with the rows of the engine: what the view says, apart from how it is stored. */
const contentOf = async (
  { kafka, topic }: Pick<RebuildSettings, 'kafka' | 'topic'>,
  { table, index }: IndexGeneration,
): Promise<{ digests: Map<string, string>; documents: number; rows: number; surplus: number }> => {
  const digests = new Map<string, string>();
  const partitions = await kafka.admin.partitionCount(topic);
  let documents = 0;
  let rows = 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    for (const { record } of table.list(partition, '')) {
      const ids = [...new Set(record.chunks.map((chunk) => rowIdOf(record, chunk.hash)))];
      const there = await index.has(ids);
      if (record.kind === 'document') documents += 1;
      rows += there.size;
      digests.set(
        record.documentId,
        createHash('sha256')
          .update(
            JSON.stringify([
              record.kind,
              record.version,
              record.tenant,
              record.title,
              record.text,
              record.metadata,
            ]),
          )
          .update(JSON.stringify(ids.filter((id) => there.has(id))))
          .digest('hex'),
      );
    }
  }
  // What the engine holds beyond what documents name is a difference too.
  return { digests, documents, rows, surplus: (await index.count()) - rows };
};

const differences = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): readonly string[] =>
  [...new Set([...a.keys(), ...b.keys()])].filter((id) => a.get(id) !== b.get(id));

/** Applies the log to a generation, from where it stands up to an offset of each partition. */
const readOn = async (
  { kafka, topic, codec }: Pick<RebuildSettings, 'kafka' | 'topic' | 'codec'>,
  next: IndexGeneration,
  to: ReadonlyMap<number, number>,
  onApplied: (records: number) => void,
): Promise<void> => {
  const from = new Map([...to.keys()].map((partition) => [partition, next.table.position(partition) ?? 0]));
  const waiting = new Map<number, KafkaRecord[]>();
  const flush = async (partition: number): Promise<void> => {
    const records = waiting.get(partition) ?? [];
    waiting.delete(partition);
    const last = records.at(-1);
    if (!last) return;
    const documents = await decodeDocuments(codec, records);
    await applyDocuments(next, [{ partition, position: last.offset + 1, records: documents }]);
    onApplied(records.length);
  };
  await scanTopic(kafka, { topic, from, to }, (record) => {
    const records = waiting.get(record.partition) ?? [];
    waiting.set(record.partition, [...records, record]);
    return records.length + 1 >= BATCH ? flush(record.partition) : undefined;
  });
  for (const partition of [...waiting.keys()]) await flush(partition);
};

/** Errors: `kafka-unavailable`, `index-unavailable`, `disk-full`: the old generation then goes on serving. */
export const rebuildIndex = async (settings: RebuildSettings): Promise<RebuildReport> => {
  const begun = performance.now();
  const next = await settings.openGeneration();
  let records = 0;
  let total = 0;
  const readUpTo = (to: ReadonlyMap<number, number>): Promise<void> => {
    for (const [partition, end] of to) total += Math.max(0, end - (next.table.position(partition) ?? 0));
    return readOn(settings, next, to, (applied) => {
      records += applied;
      settings.onProgress(records, total);
    });
  };
  const log = await settings.kafka.admin.offsets(settings.topic);
  // Never beyond where the old generation stands: two states of different offsets would differ for no fault.
  const standing = (): ReadonlyMap<number, number> => {
    const { table } = settings.serving();
    return new Map(log.map(({ partition }) => [partition, table.position(partition) ?? 0]));
  };
  await readUpTo(standing());
  return settings.applyIndex.exclusively(async () => {
    const serving = settings.serving();
    // Nothing is applied now: the new generation reads on to exactly where the old one stands, so that no reader goes back.
    await readUpTo(standing());
    const [before, after] = [await contentOf(settings, serving), await contentOf(settings, next)];
    const different = differences(before.digests, after.digests);
    await settings.replace(next);
    return {
      records,
      documents: after.documents,
      rows: after.rows,
      identical:
        different.length === 0 && before.rows === after.rows && before.surplus === 0 && after.surplus === 0,
      different: different.slice(0, 20),
      ms: Math.round(performance.now() - begun),
    };
  });
};
