/**
 * Lets go of the markers of memories that ended long ago (decision 26): agents learn and prune without end, so what they leave must not
 * stay. The owner of a partition appends the end of each, bound to its version, and forgets it.
 */
import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import type { CommittedOffset, KafkaClient } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { Clock } from '../../schemas/clock.ts';
import { tablePrefixOf } from '../../schemas/document-id.ts';
import { toError } from '../../schemas/errors.ts';
import { markerEndHeaders } from '../../schemas/marker-end.ts';
import { isForgotten, MEMORY_SOURCE, MEMORY_TABLE } from '../../schemas/memory-source.ts';
import type { Document } from '../../schemas/records.ts';
import { MARKER_ENDS_KEPT_MS, TOPICS } from '../../schemas/topics.ts';
import { foldDocuments } from '../fold-documents.ts';

/** How long a marker stands after it was made, milliseconds. */
export interface MarkersKept {
  readonly prunedMs: number;
  readonly forgottenMs: number;
}

export interface LetGoSettings {
  readonly kafka: Pick<KafkaClient, 'admin'>;
  readonly table: DocumentTable;
  readonly writer: Pick<RecordWriter, 'append'>;
  readonly clock: Clock;
  /** Partitions that are this member's, and current. */
  readonly owned: () => Iterable<number>;
  /** What the group has committed of cdc.memory. */
  readonly committed: () => Promise<ReadonlyMap<number, CommittedOffset>>;
  readonly kept?: MarkersKept;
  readonly everyMs?: number;
  readonly onTrouble: (error: Error) => void;
}

const DAY_MS = 86_400_000;
/** What is late comes within minutes; what a person forgot might be learned again for as long as the journal is kept. */
const KEPT: MarkersKept = {
  prunedMs: DAY_MS,
  forgottenMs: Number(TOPICS.agentEvents.settings['retention.ms']) + DAY_MS,
};
const EVERY_MS = 600_000;
/** Where a turn's bound left markers over. */
const AGAIN_MS = 1_000;
const A_TURN = 1_000;
const PREFIX = tablePrefixOf(MEMORY_SOURCE, MEMORY_TABLE);

/**
 * Whether nothing need be known of a memory any more: its marker is old enough, and the change it was made of is committed, so that no
 * redelivery brings back what came before it. `committed`: the next offset of cdc.memory; `now` in microseconds. Pure.
 */
export const isOver = (
  marker: Pick<Document, 'kind' | 'source' | 'version' | 'timing' | 'change'>,
  committed: number,
  { prunedMs, forgottenMs }: MarkersKept,
  now: number,
): boolean => {
  const { kind, source, version, timing, change } = marker;
  if (kind !== 'deleted' || source !== MEMORY_SOURCE || change.topic !== TOPICS.memory.name) return false;
  const keptMs = isForgotten(version) ? forgottenMs : prunedMs;
  return change.offset < committed && timing.embeddedAt + keptMs * 1_000 < now;
};

/** Gives how many of one partition it let go. Errors: `append-failed`. */
export const letGoOfMarkers = async (
  { table, writer, clock, kept = KEPT }: Pick<LetGoSettings, 'table' | 'writer' | 'clock' | 'kept'>,
  partition: number,
  committed: number,
): Promise<number> => {
  const over: Document[] = [];
  for (const { record } of table.deleted(partition, PREFIX)) {
    if (over.length >= A_TURN) break;
    if (isOver(record, committed, kept, clock())) over.push(record);
  }
  if (over.length === 0) return 0;
  const places = await writer.append(
    over.map((record) => ({
      topic: TOPICS.documents.name,
      partition,
      key: record.documentId,
      value: null,
      headers: markerEndHeaders(record, 'freshet/index-documents', clock()),
    })),
  );
  const ends = over.map((record, at) => ({ record, offset: places[at]?.offset ?? 0, ended: true }));
  // What was learned again meanwhile stays; the tail of the log has it appended again behind its end (rule C).
  const { documents, floors, removed } = foldDocuments(table, partition, ends);
  table.write({ partition, position: table.position(partition) ?? 0, documents, floors, removed });
  return over.length;
};

/** At intervals, for every partition that is owned. What fails is tried again with the next turn. */
export const startLettingGo = (settings: LetGoSettings): { stop(): Promise<void> } => {
  const { kafka, everyMs = EVERY_MS } = settings;
  /** True where a turn's bound left markers over. */
  const turn = async (): Promise<boolean> => {
    const topic = await kafka.admin.topicSettings(TOPICS.documents.name);
    // Made by an earlier release: whoever was away might miss an end without being taken for one that did.
    if (Number(topic['delete.retention.ms'] ?? 0) < MARKER_ENDS_KEPT_MS) return false;
    const committed = await settings.committed();
    let isFull = false;
    for (const partition of [...settings.owned()]) {
      const count = await letGoOfMarkers(settings, partition, committed.get(partition)?.offset ?? 0);
      isFull ||= count >= A_TURN;
    }
    return isFull;
  };

  let stopped = false;
  let working: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  const next = (afterMs: number): void => {
    if (stopped) return;
    timer = setTimeout(() => {
      working = turn().then(
        (isFull) => next(isFull ? AGAIN_MS : everyMs),
        (error) => {
          settings.onTrouble(toError(error));
          next(everyMs);
        },
      );
    }, afterMs);
  };
  next(everyMs);
  return {
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await working;
    },
  };
};
