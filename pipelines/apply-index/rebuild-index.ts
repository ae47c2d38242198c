/**
 * Reads freshet.documents from its beginning into a second generation, compares it with the one that serves, and puts
 * it in its place: the index is a view of the log, and this proves it. Searches go on in the old generation meanwhile, and so
 * does applying: it stands still only while what came during the comparison is read and compared.
 */
import type { RebuildReport } from '../../connectors/index-service/index-service.ts';
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { turn } from '../../schemas/event-loop-turn.ts';
import { decodeDocuments } from '../decode-documents.ts';
import { applyDocuments, type IndexGeneration } from './apply-documents.ts';
import type { ApplyIndex } from './apply-index.ts';
import {
  contentsOf,
  createTouchedDocuments,
  differencesOf,
  lookAgain,
  summaryOf,
  type TouchedDocuments,
} from './generation-contents.ts';

export interface RebuildSettings {
  /** Of documents. */
  readonly topic: string;
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly applyIndex: Pick<ApplyIndex, 'exclusively'>;
  readonly serving: () => IndexGeneration;
  readonly openGeneration: () => Promise<IndexGeneration>;
  readonly replace: (next: IndexGeneration) => Promise<void>;
  /** Gives up what was built so far: disk, memory, and rows elsewhere. */
  readonly discard: (next: IndexGeneration) => Promise<void>;
  readonly onProgress: (records: number, of: number) => void;
}

const BATCH = 50;

/** Applies the log to a generation, from where it stands up to an offset of each partition. */
const readOn = async (
  { kafka, topic, codec }: Pick<RebuildSettings, 'kafka' | 'topic' | 'codec'>,
  next: IndexGeneration,
  to: ReadonlyMap<number, number>,
  onApplied: (records: number) => void,
  touched?: TouchedDocuments,
): Promise<void> => {
  const from = new Map([...to.keys()].map((partition) => [partition, next.table.position(partition) ?? 0]));
  const waiting = new Map<number, KafkaRecord[]>();
  const flush = async (partition: number): Promise<void> => {
    const records = waiting.get(partition) ?? [];
    waiting.delete(partition);
    const last = records.at(-1);
    if (!last) return;
    // A log that was fetched already is otherwise taken without a turn of the event loop.
    await turn();
    const documents = await decodeDocuments(codec, records);
    await applyDocuments(next, [{ partition, position: last.offset + 1, records: documents }]);
    for (const { record } of documents) touched?.take(partition, record);
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
  try {
    return await rebuildInto(settings, next, begun);
  } catch (error) {
    await settings.discard(next).catch(() => undefined);
    throw error;
  }
};

const rebuildInto = async (
  settings: RebuildSettings,
  next: IndexGeneration,
  begun: number,
): Promise<RebuildReport> => {
  let records = 0;
  let total = 0;
  const readUpTo = (to: ReadonlyMap<number, number>, touched?: TouchedDocuments): Promise<void> => {
    for (const [partition, end] of to) total += Math.max(0, end - (next.table.position(partition) ?? 0));
    const onApplied = (applied: number): void => {
      records += applied;
      settings.onProgress(records, total);
    };
    return readOn(settings, next, to, onApplied, touched);
  };
  const log = await settings.kafka.admin.offsets(settings.topic);
  // Never beyond where the old generation stands: two states of different offsets would differ for no fault.
  const standing = (): ReadonlyMap<number, number> => {
    const { table } = settings.serving();
    return new Map(log.map(({ partition }) => [partition, table.position(partition) ?? 0]));
  };
  await readUpTo(standing());
  const partitions = log.map(({ partition }) => partition);
  // The new generation stands still meanwhile; whatever the old one has applied beyond it, it will read below.
  const after = await contentsOf(next, partitions);
  const before = await contentsOf(settings.serving(), partitions);
  return settings.applyIndex.exclusively(async () => {
    const serving = settings.serving();
    const touched = createTouchedDocuments();
    // Nothing is applied now: the new generation reads on to exactly where the old one stands, so that no reader goes back.
    await readUpTo(standing(), touched);
    await lookAgain(serving, before, touched.of(before));
    await lookAgain(next, after, touched.of(after));
    const different = await differencesOf(before, after);
    const { documents, rows } = summaryOf(after);
    const held = summaryOf(before).rows;
    // What an engine holds beyond what documents name is a difference too.
    const isExact = (await serving.index.count()) === held && (await next.index.count()) === rows;
    await settings.replace(next);
    return {
      ...{ records, documents, rows },
      identical: different.length === 0 && held === rows && isExact,
      different: different.slice(0, 20),
      ms: Math.round(performance.now() - begun),
    };
  });
};
