/** The index role as a service: applies the log, answers searches, traces documents, rebuilds itself. */
import { EventEmitter, on } from 'node:events';
import type {
  IndexService,
  RebuildProgress,
  TracedDocument,
} from '../../connectors/index-service/index-service.ts';
import type { KafkaClient, KafkaRecord } from '../../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import type { KeywordIndex } from '../../connectors/keyword-index/keyword-index.ts';
import { EmbeddingCache } from '../../connectors/models/embedding/embedding-cache.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import type { VectorIndexKind } from '../../connectors/vector-index/vector-index-kind.ts';
import type { Clock } from '../../schemas/clock.ts';
import { floorIdOf, tablePrefixOf } from '../../schemas/document-id.ts';
import { FreshetError, hasCode, toError, toFreshetError } from '../../schemas/errors.ts';
import { PROBE_TENANT, probeTable } from '../../schemas/probe.ts';
import type { Receipt, SearchRequest, SearchResponse } from '../../schemas/search.ts';
import { TOPICS } from '../../schemas/topics.ts';
import type { IndexGeneration } from './apply-documents.ts';
import { type ApplyIndexEvent, startApplyIndex } from './apply-index.ts';
import { createFreshnessGate } from './await-freshness.ts';
import { checkSearch } from './check-search.ts';
import { embedQuery } from './embed-query.ts';
import { checkFreshness } from './fresh-enough.ts';
import { type Generations, openGenerations } from './generations.ts';
import { describeDocuments, listDocuments, restoreRows } from './held-documents.ts';
import { rowsOf } from './index-rows.ts';
import { keepKeywords } from './keep-keywords.ts';
import { rebuildIndex } from './rebuild-index.ts';
import { receiptOf } from './receipt.ts';
import { searchIndex } from './search-index.ts';
import { searchPast } from './search-past.ts';
import { NONE_REFUSED } from './told-refusals.ts';
import { openWatermarks } from './watermarks.ts';

export interface IndexRoleSettings {
  /** Of documents; default freshet.documents. */
  readonly topic?: string;
  /**
   * Where the topic is another than freshet.documents: the next offset of freshet.documents that is covered by what was
   * applied. Default: the offset that was applied.
   */
  readonly coverage?: {
    /** `position`: the next offset of the topic to apply. */
    of(partition: number, position: number): number;
    applied(partition: number, last: KafkaRecord): void;
  };
  /** Milliseconds since the Unix epoch before which the topic says nothing of what stood; default 0. */
  readonly reachesBackTo?: () => number;
  /** Whether searches are answered from here; default true. */
  readonly serves?: () => boolean;
  readonly name: string;
  readonly folder: string;
  readonly kafka: KafkaClient;
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  readonly model: EmbeddingModel;
  /** Words beside vectors; without it every search is by vectors. Closed with the role. */
  readonly keywords?: KeywordIndex;
  readonly clock: Clock;
  /** Where vectors are kept; default in `folder`. */
  readonly kind?: VectorIndexKind;
  /** Those of the configuration: others' watermarks say nothing of what is searched here. */
  readonly sources: readonly string[];
  /** Whether this replica tells how long changes took: one of several does. */
  readonly timings: boolean;
  /** What counts as fresh where a request does not say. */
  readonly targetMs: number;
  readonly onEvent: (
    event:
      | ApplyIndexEvent
      | { readonly type: 'discarded'; readonly reason: string }
      | { readonly type: 'left-behind'; readonly error: Error }
      | SearchAnswered
      | SearchFailed,
  ) => void;
  readonly onFailure: (error: FreshetError) => void;
}

export interface SearchAnswered {
  readonly type: 'search';
  readonly micros: number;
  /** Microseconds since the Unix epoch. */
  readonly begunAt: number;
  readonly topK: number;
  readonly hits: number;
  readonly receipt: Pick<Receipt, 'index' | 'stalenessMs' | 'fresh'>;
  /** Of whoever asked. */
  readonly traceparent: string | undefined;
}

/** A search that was refused, waited for freshness in vain, or could not be made. */
export interface SearchFailed {
  readonly type: 'search-failed';
  readonly code: FreshetError['code'];
  /** From when it was asked for, its wait for freshness included. */
  readonly micros: number;
  /** Microseconds since the Unix epoch. */
  readonly begunAt: number;
  /** Name of the index. */
  readonly index: string;
  /** Of whoever asked. */
  readonly traceparent: string | undefined;
}

export interface IndexRole extends IndexService {
  current(): boolean;
  waiting(): number;
  /** Of apply-index. */
  oldest(): number | undefined;
  /** Why it applies nothing at the moment; searches go on in what is there. Null while it works. */
  trouble(): Error | null;
  /** The next offset of freshet.documents that is not covered yet. */
  covered(partition: number): number;
  /** Applies nothing while an action runs; searches go on. */
  holding<T>(action: () => Promise<T>): Promise<T>;
  /** The generation that serves, for as long as the action runs. */
  using: Generations['using'];
  stop(): Promise<void>;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

const MOST_DESCRIBED = 1_000;
const QUERY_CACHE_BYTES = 16 * 1024 * 1024;

export const startIndexRole = async (settings: IndexRoleSettings): Promise<IndexRole> => {
  const { kafka, clock, model, coverage, topic = TOPICS.documents.name } = settings;
  const generations = await openGenerations({
    folder: settings.folder,
    dimensions: model.dimensions,
    ...(settings.kind ? { kind: settings.kind } : {}),
    onDiscarded: (reason) => settings.onEvent({ type: 'discarded', reason }),
    onLeftBehind: (error) => settings.onEvent({ type: 'left-behind', error }),
  });
  const { keywords } = settings;
  const withKeywords = (generation: IndexGeneration): IndexGeneration => ({
    ...generation,
    ...(keywords && { keywords }),
  });
  const covered = (partition: number): number => {
    const position = generations.serving().table.position(partition) ?? 0;
    return coverage ? coverage.of(partition, position) : position;
  };
  const watermarks = await openWatermarks({
    ...settings,
    positionOf: covered,
    onChange: () => gate.changed(),
    onTrouble: (error) =>
      settings.onEvent({ type: 'retry', partition: -1, error: toError(error), attempt: 1 }),
  });
  const gate = createFreshnessGate(watermarks.all);
  /** A record that fails its checksum cannot be mended in place: the role ends, and begins again from the log. */
  const endIfDamaged = (thrown: unknown): void => {
    if (!hasCode(thrown, 'index-corrupt')) return;
    generations.condemn(thrown.message);
    settings.onFailure(thrown);
  };
  const applyIndex = await startApplyIndex({
    ...settings,
    onEvent: (event) => {
      settings.onEvent(event);
      if (event.type === 'retry') endIfDamaged(event.error);
    },
    generation: () => withKeywords(generations.serving()),
    topic,
    serves: settings.serves ?? (() => true),
    clockOffset: watermarks.clockOffset,
    onApplied: ({ partition, last }) => {
      coverage?.applied(partition, last);
      watermarks.applied();
    },
  });
  const embedding = new EmbeddingCache({ model, maxBytes: QUERY_CACHE_BYTES });
  const partitions = await kafka.admin.partitionCount(topic);
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  const table = () => generations.serving().table;
  const kept =
    keywords &&
    keepKeywords({
      ...{ keywords, table, partitions: numbers },
      settled: applyIndex.settled,
      onFailure: endIfDamaged,
    });
  let rebuilding = false;

  const trace = async (documentId: string): Promise<TracedDocument | undefined> => {
    const { table, index } = generations.serving();
    const partition = numbers.find((each) => table.standing(each, documentId));
    const stored = partition === undefined ? undefined : table.get(partition, documentId);
    if (partition === undefined || !stored) return undefined;
    const { record, offset } = stored;
    const rows = rowsOf(record);
    const there = await index.has(rows);
    const chunks = record.chunks.map(({ hash, start, end }, at) => ({
      hash,
      start,
      end,
      inIndex: there.has(rows[at]?.id ?? ''),
    }));
    return { record: { ...record, chunks }, partition, offset };
  };

  const rebuild = async function* (): AsyncGenerator<RebuildProgress> {
    if (rebuilding) throw new FreshetError('conflict', 'a rebuild is running already; wait for it to end');
    rebuilding = true;
    const emitter = new EventEmitter();
    const ended = new AbortController();
    const running = rebuildIndex({
      topic,
      kafka,
      codec: settings.codec,
      applyIndex,
      serving: generations.serving,
      openGeneration: generations.openNext,
      replace: async (next) => {
        const replace = () => generations.replace(next);
        await (kept ? kept.replacing(replace) : replace());
      },
      discard: generations.discard,
      onProgress: (records, of) => emitter.emit('progress', { done: false, records, of }),
    }).finally(() => {
      // Here and not where this generator ends: whoever reads it may stop before the rebuild does.
      rebuilding = false;
      setImmediate(() => ended.abort());
    });
    running.catch(() => undefined);
    try {
      for await (const [progress] of on(emitter, 'progress', { signal: ended.signal }))
        yield progress as RebuildProgress;
    } catch (error) {
      if (!ended.signal.aborted) throw error;
    }
    const report = await running;
    yield { done: true, records: report.records, of: report.records, report };
  };

  let readingPast = false;
  const searchPastOnce = async (
    request: SearchRequest,
    asOf: number,
    signal: AbortSignal | undefined,
  ): Promise<SearchResponse> => {
    // It reads the whole log: one at a time, so that searches of the present are not starved.
    if (readingPast)
      throw new FreshetError('too-many-requests', 'a search of the past runs already; try again in a moment');
    readingPast = true;
    try {
      const hits = await searchPast(
        { ...settings, topic, reachesBackTo: settings.reachesBackTo?.() ?? 0, embedding, model: model.id },
        request,
        asOf,
        signal,
      );
      // Watermarks speak of the present.
      const none = { watermarks: {}, newestApplied: {}, targetMs: settings.targetMs };
      const receipt = receiptOf(
        { index: settings.name, model: model.id, at: Math.round(asOf * 1_000), ...none },
        request,
        [],
        NONE_REFUSED,
      );
      return { hits, mode: 'vector', receipt };
    } finally {
      readingPast = false;
    }
  };

  const answer: IndexRole['search'] = async (request, signal) => {
    checkSearch(request);
    if (request.asOf !== undefined) return searchPastOnce(request, request.asOf, signal);
    if (request.freshness) checkFreshness(request.freshness, settings.sources);
    await gate.until(request, signal);
    const begun = clock();
    const basis = () => ({
      index: settings.name,
      model: model.id,
      at: clock(),
      watermarks: watermarks.all(),
      newestApplied: applyIndex.newestApplied(),
      targetMs: settings.targetMs,
    });
    const vector = await embedQuery(embedding.forTenant(request.tenant), request.query, signal);
    const response = await generations
      .using((generation) =>
        searchIndex(
          {
            generation: withKeywords(generation),
            keywordsReady: () => kept?.ready() ?? false,
            vector,
            basis,
            clock,
            clockOffset: watermarks.clockOffset,
          },
          request,
        ),
      )
      .catch((error: unknown) => {
        endIfDamaged(error);
        throw error;
      });
    // A probe is no search of anyone's.
    if (request.tenant !== PROBE_TENANT)
      settings.onEvent({
        ...{ type: 'search', micros: clock() - begun, begunAt: begun },
        ...{ topK: request.topK, hits: response.hits.length, receipt: response.receipt },
        traceparent: request.traceparent,
      });
    return response;
  };

  return {
    search: async (request, signal) => {
      const askedAt = clock();
      try {
        return await answer(request, signal);
      } catch (thrown) {
        if (request.tenant !== PROBE_TENANT)
          settings.onEvent({
            ...{ type: 'search-failed', code: toFreshetError(thrown).code, index: settings.name },
            ...{ begunAt: askedAt, micros: clock() - askedAt, traceparent: request.traceparent },
          });
        throw thrown;
      }
    },
    covers: async (asked, signal) => {
      if (asked.freshness) checkFreshness(asked.freshness, settings.sources);
      await gate.until(asked, signal);
    },
    describe: (documentIds) => {
      if (documentIds.length > MOST_DESCRIBED)
        throw new FreshetError('request-invalid', `at most ${MOST_DESCRIBED} documents at once`);
      return generations.using((generation) => describeDocuments(generation, numbers, documentIds));
    },
    floor: async (source, table) => {
      const id = floorIdOf(source, table);
      const floors = numbers.map((partition) => generations.serving().table.floor(partition, id) ?? '');
      return floors.sort().at(-1) || null;
    },
    list: (source, table) => listDocuments(generations.serving, numbers, source, table),
    restore: (documentIds) =>
      generations.using((generation) => restoreRows(generation, numbers, documentIds)),
    document: trace,
    rebuild,
    status: async () => {
      const { table, index } = generations.serving();
      const counts = numbers.map((partition) => table.count(partition));
      // A probe is nobody's document.
      const probes = settings.sources.flatMap((source) =>
        numbers.map((partition) => table.countOf(partition, tablePrefixOf(source, probeTable(source)))),
      );
      return {
        name: settings.name,
        engine: index.engine,
        model: model.id,
        current: applyIndex.current(),
        waiting: applyIndex.waiting(),
        documents: sum(counts.map((each) => each.documents)) - sum(probes),
        markers: sum(counts.map((each) => each.markers)),
        rows: await index.count(),
        trouble: applyIndex.trouble()?.message ?? null,
        build: {
          recent: index.build?.recent ?? 0,
          running: index.build?.running ?? false,
          failure: index.build?.failure?.message ?? null,
        },
        keywords: keywords ? { ready: kept?.ready() ?? false, ...(await keywords.state()) } : null,
        positions: Object.fromEntries(
          numbers.map((partition) => [String(partition), table.position(partition) ?? 0]),
        ),
      };
    },
    watermarks: async () => watermarks.all(),
    current: applyIndex.current,
    waiting: applyIndex.waiting,
    oldest: applyIndex.oldest,
    trouble: applyIndex.trouble,
    covered,
    holding: applyIndex.exclusively,
    using: generations.using,
    stop: async () => {
      gate.close();
      await watermarks.close();
      await applyIndex.stop();
      await kept?.stop();
      await keywords?.close();
      await generations.close();
    },
  };
};
