/** Compares the tables of the configuration with an index, one after the other, and mends them where asked. */
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { EmbeddingCache } from '../../connectors/models/embedding/embedding-cache.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { FreshetConfig, SourceKindName } from '../../schemas/config.ts';
import { FreshetError } from '../../schemas/errors.ts';
import type { FindRelease } from '../../schemas/release-decision.ts';
import { MAX_RECORD_BYTES } from '../../schemas/topics.ts';
import { JUDGED_ALONE } from '../gates/judged-alone.ts';
import { type Divergent, reconcileTable, type TableReport } from './reconcile-table.ts';
import { repairDocuments } from './repair-documents.ts';

export interface ReconcileSourcesSettings {
  readonly config: FreshetConfig;
  /** Where a source is, `sample` resolved. */
  readonly urlOf: (source: string) => string;
  readonly index: Pick<
    IndexService,
    'describe' | 'floor' | 'list' | 'covers' | 'restore' | 'watermarks' | 'status' | 'one'
  >;
  /** What repairs are embedded with, as freshet.documents is. */
  readonly model: EmbeddingModel;
  /** See EmbedSettings. */
  readonly embeds?: () => boolean;
  /** The model of an id, where the index answers with another than `model`. */
  readonly modelOf?: (id: string) => Promise<EmbeddingModel | undefined>;
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  readonly clock: Clock;
  /** What people have let pass: asked for at the start, and wherever something differs. */
  readonly releases: () => Promise<FindRelease>;
  /** All where left out. */
  readonly source?: string;
  readonly table?: string;
  readonly repair: boolean;
  /** Told of the documents before anything of them is mended. */
  readonly onRepair?: (documentIds: readonly string[]) => Promise<void>;
  readonly pauseMs: number;
  readonly onProgress: (source: string, table: string, rows: number) => void;
  /** Told of a table that the source does not let anyone read. */
  readonly onUncompared?: (source: string, table: string) => void;
  readonly signal?: AbortSignal;
}

const CACHE_BYTES = 16 * 1024 * 1024;
const RECORD_MARGIN_BYTES = 64 * 1024;

const chunkingBy = ({ chunking }: FreshetConfig, model: EmbeddingModel) => ({
  model: model.id,
  chunking: { ...chunking, countTokens: (text: string) => model.countTokens(text) },
});

const sourceTime = async (kind: SourceKindName, url: string): Promise<number> => {
  const sourceClock = SOURCE_KINDS[kind].openClock(url);
  try {
    return (await sourceClock.moment()).sourceAt;
  } finally {
    await sourceClock.close();
  }
};

/** Of the source or the table alone; whatever else it is ends the comparison. */
const OF_A_TABLE: readonly string[] = ['source-unavailable', 'table-unreadable', 'config-invalid'];

const tableFailure = (thrown: unknown, name: string): FreshetError => {
  if (!(thrown instanceof FreshetError && OF_A_TABLE.includes(thrown.code))) throw thrown;
  return new FreshetError(thrown.code, `${name} was not compared: ${thrown.message}`, { cause: thrown });
};

/** What a table came to, beside the replica of the index that it was compared with. */
export interface ReplicaReport extends TableReport {
  readonly index: string;
}

/**
 * Yields a report a table. One that the source does not let anyone read holds up no other: it fails at the end. Errors: `not-found` for a source or table that is not configured,
 * `conflict` when the index changed its model meanwhile, and those of both sides.
 */
export const reconcileSources = async function* (
  settings: ReconcileSourcesSettings,
): AsyncGenerator<ReplicaReport> {
  const { config, model, clock } = settings;
  // Of several replicas one for the whole run: its model, its floors and its documents fit together. The next run takes the next.
  const index = (await settings.index.one?.()) ?? settings.index;
  const embedding = new EmbeddingCache({ model, maxBytes: CACHE_BYTES });
  const answeringModel = async (): Promise<EmbeddingModel> => {
    const { model: id } = await index.status();
    return id === model.id ? model : ((await settings.modelOf?.(id)) ?? model);
  };
  const { name } = await index.status();
  let releaseOf = await settings.releases();
  const failures: FreshetError[] = [];
  let compared = 0;
  for (const [source, { kind, tables }] of Object.entries(config.sources)) {
    if (settings.source !== undefined && settings.source !== source) continue;
    const url = settings.urlOf(source);
    const scanner = SOURCE_KINDS[kind].openScan(url);
    try {
      for (const table of Object.keys(tables)) {
        if (settings.table !== undefined && settings.table !== table) continue;
        compared += 1;
        const answering = await answeringModel();
        const prepare = {
          config,
          ...chunkingBy(config, model),
          limits: { maxRecordBytes: MAX_RECORD_BYTES - RECORD_MARGIN_BYTES },
          ...JUDGED_ALONE,
          releaseOf: (documentId: string) => releaseOf(documentId),
          clock,
          // Rows are read whole: no column is ever unavailable.
          readRow: async () => undefined,
        };
        const sameModel = async (): Promise<void> => {
          if ((await answeringModel()).id !== answering.id)
            throw new FreshetError(
              'conflict',
              'the index changed its embedding model meanwhile; compare it again',
            );
        };
        const repair = async (divergents: readonly Divergent[]): Promise<number> => {
          await sameModel();
          await settings.onRepair?.(divergents.map(({ documentId }) => documentId));
          return repairDocuments(
            {
              source,
              table,
              readAt: await sourceTime(kind, url),
              epoch: (await index.watermarks())[source]?.epoch ?? 1,
              prepare,
              embed: { embedding, model, clock, ...(settings.embeds && { embeds: settings.embeds }) },
              // Rows that one has lost, another may have lost too.
              index: { restore: settings.index.restore },
              writer: settings.writer,
              codec: settings.codec,
            },
            divergents,
          );
        };
        const comparing = reconcileTable({
          source,
          table,
          scanner,
          index,
          prepare: { ...prepare, ...chunkingBy(config, answering) },
          readReleases: async () => {
            releaseOf = await settings.releases();
          },
          currentPosition: () => SOURCE_KINDS[kind].currentPosition(url),
          pauseMs: settings.pauseMs,
          onProgress: (done) => settings.onProgress(source, table, done),
          ...(settings.repair && { repair }),
          ...(settings.signal && { signal: settings.signal }),
        });
        const report = await comparing.catch((thrown: unknown) => {
          failures.push(tableFailure(thrown, `${source}/${table}`));
          settings.onUncompared?.(source, table);
        });
        if (!report) continue;
        await sameModel();
        yield { ...report, index: name };
      }
    } finally {
      await scanner.close();
    }
  }
  const [first] = failures;
  if (first) throw new FreshetError(first.code, failures.map(({ message }) => message).join('; '));
  if (compared === 0)
    throw new FreshetError(
      'not-found',
      `nothing to compare: no configured table is ${settings.source ?? 'any source'}, ${settings.table ?? 'any table'}`,
    );
};
