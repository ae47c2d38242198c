/**
 * cdc.<source>, and what agents write → freshet.documents: the pipeline role's main loop. Partition p of every change topic and partition p
 * of freshet.documents belong to one worker: it first catches up with its part of the log, then takes on changes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { UpsertChange } from '../../connectors/debezium/change.ts';
import { createChangeReader } from '../../connectors/debezium/read-change.ts';
import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import { openGroupReader } from '../../connectors/kafka/group-reader.ts';
import type { KafkaClient, KafkaRecord, TopicPartition } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { EmbeddingCache } from '../../connectors/models/embedding/embedding-cache.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { SchemaRegistry } from '../../connectors/registry/schema-registry.ts';
import { type Clock, oldestOf } from '../../schemas/clock.ts';
import type { FreshetConfig, Row } from '../../schemas/config.ts';
import type { DeadLetterReason } from '../../schemas/dead-letters.ts';
import { tablePrefixOf } from '../../schemas/document-id.ts';
import type { FreshetError } from '../../schemas/errors.ts';
import { INDEX_DOCUMENTS_GROUP } from '../../schemas/groups.ts';
import { MEMORY_SOURCE } from '../../schemas/memory-source.ts';
import { RESULT_SOURCE } from '../../schemas/result-source.ts';
import { changeTopic, isGapless, MAX_RECORD_BYTES, TOPICS } from '../../schemas/topics.ts';
import { beginsAnew } from '../begins-anew.ts';
import { createDriftWatch } from '../gates/drift-state.ts';
import type { GateOutcome } from '../gates/run-gates.ts';
import { createVolumeWatch } from '../gates/volume-state.ts';
import { carryOutDecisions } from './carry-out-decisions.ts';
import { type LetGoSettings, startLettingGo } from './let-go-markers.ts';
import {
  createPartitionWorker,
  type PartitionWorker,
  type PartitionWorkerSettings,
} from './partition-worker.ts';
import type { FoundPause, TableTurn } from './paused-tables.ts';
import { createPendingCommits } from './pending-commits.ts';
import { readMemory } from './read-memory.ts';
import { readResult } from './read-result.ts';
import { openReleaseDecisions } from './release-decisions.ts';
import { standsAboveFloor } from './stands-above-floor.ts';

export interface IndexDocumentsSettings {
  readonly kafka: KafkaClient;
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  readonly registry: SchemaRegistry;
  readonly table: DocumentTable;
  readonly model: EmbeddingModel;
  /** See EmbedSettings. */
  readonly embeds?: () => boolean;
  readonly config: FreshetConfig;
  readonly clock: Clock;
  /** Of vectors that are known by their text. Default 64 MiB. */
  readonly cacheBytes?: number;
  readonly readRow: (source: string, change: UpsertChange) => Promise<Row | undefined>;
  /** Which tables are paused now, asked for when a partition was taken on (paused-tables.ts). None where left out. */
  readonly tableTurns?: () => Promise<ReadonlyMap<string, TableTurn>>;
  /** Asks for a pause of tables whose rows no longer fit their mapping; resolves when that is in the log. */
  readonly askForPause?: (found: readonly FoundPause[]) => Promise<void>;
  /** Of markers of ended memories (let-go-markers.ts). */
  readonly lettingGo?: Pick<LetGoSettings, 'kept' | 'everyMs'>;
  readonly onEvent: (event: IndexDocumentsEvent) => void;
  /** Cannot go on without a person. */
  readonly onFailure: (error: FreshetError) => void;
}

export type IndexDocumentsEvent =
  | {
      readonly type: 'records';
      readonly outcome: 'appended' | 'superseded' | 'dropped' | 'quarantined' | 'dead-lettered';
      readonly count: number;
    }
  | { readonly type: 'gate-refused'; readonly gate: string }
  | { readonly type: 'dead-lettered'; readonly topic: string; readonly reason: DeadLetterReason }
  | {
      readonly type: 'gate-judged';
      readonly gate: string;
      readonly outcome: GateOutcome;
      readonly count: number;
    }
  | { readonly type: 'assigned' | 'revoked' | 'current'; readonly partition: number }
  | { readonly type: 'reappended'; readonly partition: number; readonly count: number }
  | { readonly type: 'retry'; readonly partition: number; readonly error: Error; readonly attempt: number };

export interface IndexDocuments {
  stats(): {
    readonly partitions: readonly number[];
    readonly waiting: number;
    /** When the oldest change that is not done came to Kafka, milliseconds since the Unix epoch. */
    readonly oldest: number | undefined;
    readonly embedded: number;
    readonly cacheHits: number;
  };
  stop(): Promise<void>;
}

/** A watermark can be no younger than this. */
const COMMIT_EVERY_MS = 100;
const FINISH_WITHIN_MS = 2_000;
const TAIL_REST_MS = 500;
const CACHE_BYTES = 64 * 1024 * 1024;
/** Headers, key and batch framing beside the value. */
const RECORD_MARGIN_BYTES = 64 * 1024;

export const startIndexDocuments = async (settings: IndexDocumentsSettings): Promise<IndexDocuments> => {
  const { kafka, config, table } = settings;
  const documents = TOPICS.documents.name;
  const sources = new Map(
    Object.keys(config.sources).map((source) => [changeTopic(source).name, source] as const),
  );
  const changeReader = createChangeReader(settings.registry);
  const { codec } = settings;
  /** Topics that agents write, in place of Debezium. A result is withdrawn although none flow back any more. */
  const ofAgents = new Map<
    string,
    { readonly source: string; readonly read: PartitionWorkerSettings['readChange'] }
  >([
    [TOPICS.memory.name, { source: MEMORY_SOURCE, read: (record) => readMemory(codec, record) }],
    [
      TOPICS.results.name,
      { source: RESULT_SOURCE, read: (record) => readResult(codec, record, config.localTenant) },
    ],
  ]);
  const readChange: PartitionWorkerSettings['readChange'] = (record) =>
    (ofAgents.get(record.topic) ?? changeReader).read(record);
  const flowsBack = Object.keys(config.results).length > 0;
  const changeTopics = [...sources.keys(), ...ofAgents.keys()].filter(
    (topic) => flowsBack || topic !== TOPICS.results.name,
  );
  const documentPartitions = await kafka.admin.partitionCount(documents);
  const cache = new EmbeddingCache({ model: settings.model, maxBytes: settings.cacheBytes ?? CACHE_BYTES });
  const workers = new Map<number, PartitionWorker>();
  const volume = createVolumeWatch(({ source, table: name }) =>
    [...workers.keys()].reduce((sum, each) => sum + table.countOf(each, tablePrefixOf(source, name)), 0),
  );
  /** What is found there has content, be it stale. A table may hold partitions that are another member's by now: what stands there says nothing. */
  const isHeld = (documentId: string): boolean =>
    [...workers.keys()].some((each) => standsAboveFloor(table, each, documentId));
  const drift = createDriftWatch();
  const commits = createPendingCommits((offsets) => reader.commit(offsets));

  const current = new Set<number>();
  /** Carries out what people decided about documents of a partition that is current. */
  const carryOut = new Map<number, () => void>();

  const changesOf = (partition: number): readonly TopicPartition[] =>
    changeTopics.map((topic) => ({ topic, partition }));

  const createWorker = (partition: number): PartitionWorker => {
    // What it still says when the partition went to another member, or came back as fresh, is of no one's concern.
    const isIts = (): boolean => workers.get(partition) === worker;
    const worker: PartitionWorker = createPartitionWorker({
      partition,
      documentPartitions,
      table,
      writer: settings.writer,
      codec: settings.codec,
      prepare: {
        config,
        model: settings.model.id,
        chunking: { ...config.chunking, countTokens: (text) => settings.model.countTokens(text) },
        limits: { maxRecordBytes: MAX_RECORD_BYTES - RECORD_MARGIN_BYTES },
        clock: settings.clock,
        readRow: settings.readRow,
        lookalikes: {
          find: (tenant, documentId, fingerprint, least, counts) =>
            table.find(tenant, documentId, fingerprint, least, (id) => counts(id) && isHeld(id)),
        },
        volume,
        releaseOf: (documentId) => releases.releaseOf(documentId),
      },
      embed: {
        embedding: cache,
        model: settings.model,
        clock: settings.clock,
        drift,
        ...(settings.embeds ? { embeds: settings.embeds } : {}),
      },
      readChange,
      sourceOf: (topic) => ofAgents.get(topic)?.source ?? sources.get(topic) ?? '',
      onDone: (records, plan) => {
        if (!isIts()) return;
        for (const { topic, offset } of records) commits.done({ topic, partition, offset: offset + 1 });
        for (const [outcome, count] of Object.entries(plan.counts)) {
          if (count > 0)
            settings.onEvent({ type: 'records', outcome: outcome as keyof typeof plan.counts, count });
        }
        for (const { gate } of plan.refusals) settings.onEvent({ type: 'gate-refused', gate });
        for (const letter of plan.deadLetters) settings.onEvent({ type: 'dead-lettered', ...letter });
        for (const judged of plan.judged) settings.onEvent({ type: 'gate-judged', ...judged });
      },
      tableTurns: settings.tableTurns ?? (() => Promise.resolve(new Map())),
      askForPause: settings.askForPause ?? (() => Promise.resolve()),
      onReappended: (count) => settings.onEvent({ type: 'reappended', partition, count }),
      onRetry: (error, attempt) => settings.onEvent({ type: 'retry', partition, error, attempt }),
      onFull: () => changesOf(partition).forEach((each) => void reader.pause(each)),
      onDrained: () => changesOf(partition).forEach((each) => void reader.resume(each)),
      onTailFull: () => reader.pause({ topic: documents, partition }),
      onTailDrained: () => reader.resume({ topic: documents, partition }),
      onOwn: (stretch) => {
        if (isIts()) reader.skip({ topic: documents, partition, ...stretch });
      },
      onBehind: () => reader.hurry({ topic: documents, partition }),
      onCurrent: () => {
        if (!isIts()) return;
        settings.onEvent({ type: 'current', partition });
        current.add(partition);
        carryOut.get(partition)?.();
        for (const each of changesOf(partition)) reader.resume(each);
      },
      logEnd: async () =>
        (await kafka.admin.offsets(documents)).find((each) => each.partition === partition)?.latest ?? 0,
    });
    carryOut.set(
      partition,
      carryOutDecisions({
        decisions: () => releases.about(partition),
        stands: releases.stands,
        redrivesOf: (decisions) => releases.redrivesOf(partition, decisions),
        redrive: (redrives) => worker.redrive(redrives),
        isOver: () => !isIts() || !current.has(partition),
        onTrouble: (error) => settings.onEvent({ type: 'retry', partition, error, attempt: 1 }),
      }),
    );
    return worker;
  };

  let ready: (() => void) | undefined;
  const opened = new Promise<void>((resolve) => {
    ready = resolve;
  });
  const assigned = async (
    partitions: readonly TopicPartition[],
  ): Promise<readonly (TopicPartition & { offset: number })[]> => {
    await opened;
    const log = new Map((await kafka.admin.offsets(documents)).map((each) => [each.partition, each]));
    const mine = partitions.filter((each) => each.topic === documents);
    return mine.map(({ partition }) => {
      const { earliest, latest } = log.get(partition) ?? { earliest: 0, latest: 0 };
      if (beginsAnew(table, { partition, latest, now: settings.clock() })) table.clear(partition);
      const worker = createWorker(partition);
      current.delete(partition);
      workers.set(partition, worker);
      for (const each of changesOf(partition)) reader.pause(each);
      void worker.catchUp();
      settings.onEvent({ type: 'assigned', partition });
      return {
        topic: documents,
        partition,
        offset: Math.max(earliest, table.position(partition) ?? earliest),
      };
    });
  };

  const take = (topic: string, partition: number, records: readonly KafkaRecord[]): void => {
    const worker = workers.get(partition);
    if (topic === documents) worker?.documents(records);
    else worker?.changes(records);
  };

  const releases = await openReleaseDecisions({
    ...{ kafka, codec: settings.codec, table, readChange },
    onDecision: (partition) => carryOut.get(partition)?.(),
    onTrouble: (error) => settings.onEvent({ type: 'retry', partition: -1, error, attempt: 1 }),
  });
  const reader = await openGroupReader(
    kafka,
    {
      groupId: INDEX_DOCUMENTS_GROUP,
      topics: [...changeTopics, documents],
      gapless: isGapless,
      mayBeRemade: (topic) => topic !== documents,
      // What it reads there is mostly its own.
      restMs: (topic) => (topic === documents ? TAIL_REST_MS : 0),
    },
    {
      onAssigned: assigned,
      onRevoked: (partitions) => {
        for (const { topic, partition } of partitions) {
          commits.lost({ topic, partition });
          if (topic !== documents) continue;
          workers.get(partition)?.abandon();
          workers.delete(partition);
          carryOut.delete(partition);
          current.delete(partition);
          settings.onEvent({ type: 'revoked', partition });
        }
      },
      onBatch: ({ topic, partition, records }) => take(topic, partition, records),
      onFailure: settings.onFailure,
    },
  );
  ready?.();
  // A failed commit costs a redelivery, which changes nothing: the next one says it again.
  const timer = setInterval(() => {
    if (commits.busy()) return;
    void commits
      .commit()
      .catch((error) => settings.onEvent({ type: 'retry', partition: -1, error, attempt: 1 }));
  }, COMMIT_EVERY_MS);

  const lettingGo = startLettingGo({
    ...{ kafka, table, writer: settings.writer, clock: settings.clock, ...settings.lettingGo },
    owned: () => current,
    committed: () => kafka.admin.committed(INDEX_DOCUMENTS_GROUP, TOPICS.memory.name),
    onTrouble: (error) => settings.onEvent({ type: 'retry', partition: -1, error, attempt: 1 }),
  });

  return {
    stats: () => ({
      partitions: [...workers.keys()],
      waiting: [...workers.values()].reduce((sum, worker) => sum + worker.waiting(), 0),
      oldest: oldestOf([...workers.values()].map((worker) => worker.oldest())),
      embedded: cache.counts.embedded,
      cacheHits: cache.counts.hits,
    }),
    stop: async () => {
      clearInterval(timer);
      const all = [...workers.values()];
      const ended = [lettingGo, ...all].map((each) => each.stop());
      await Promise.race([Promise.all(ended), sleep(FINISH_WITHIN_MS)]);
      // What is not done by now is not committed either: whoever owns the partition next does it.
      for (const worker of all) worker.abandon();
      current.clear();
      await commits.commit().catch(() => undefined);
      await releases.close();
      await reader.close();
    },
  };
};
