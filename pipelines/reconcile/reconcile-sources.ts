/** Compares the tables of the configuration with an index, one after the other, and mends them where asked. */
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import type { RecordWriter } from '../../connectors/kafka/record-writer.ts';
import { EmbeddingCache } from '../../connectors/models/embedding/embedding-cache.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import type { RecordCodec } from '../../connectors/registry/record-codec.ts';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import type { Clock } from '../../schemas/clock.ts';
import type { FreshetConfig } from '../../schemas/config.ts';
import { FreshetError } from '../../schemas/errors.ts';
import { MAX_RECORD_BYTES } from '../../schemas/topics.ts';
import { JUDGED_ALONE } from '../gates/judged-alone.ts';
import { reconcileTable, type TableReport } from './reconcile-table.ts';
import { repairDocuments } from './repair-documents.ts';

export interface ReconcileSourcesSettings {
  readonly config: FreshetConfig;
  /** Where a source is, `sample` resolved. */
  readonly urlOf: (source: string) => string;
  readonly index: Pick<IndexService, 'describe' | 'list' | 'covers' | 'restore' | 'watermarks'>;
  readonly model: EmbeddingModel;
  readonly writer: RecordWriter;
  readonly codec: RecordCodec;
  readonly clock: Clock;
  /** All where left out. */
  readonly source?: string;
  readonly table?: string;
  readonly repair: boolean;
  readonly pauseMs: number;
  readonly onProgress: (source: string, table: string, rows: number) => void;
  readonly signal?: AbortSignal;
}

export type ReconciledTable = TableReport & { readonly repaired: number };

const CACHE_BYTES = 16 * 1024 * 1024;
const RECORD_MARGIN_BYTES = 64 * 1024;

/** Yields a report a table. Errors: `not-found` for a source or table that is not configured, and those of both sides. */
export const reconcileSources = async function* (
  settings: ReconcileSourcesSettings,
): AsyncGenerator<ReconciledTable> {
  const { config, model, clock } = settings;
  const embedding = new EmbeddingCache({ model, maxBytes: CACHE_BYTES });
  let compared = 0;
  for (const [source, { kind, tables }] of Object.entries(config.sources)) {
    if (settings.source !== undefined && settings.source !== source) continue;
    const url = settings.urlOf(source);
    const scanner = SOURCE_KINDS[kind].openScan?.(url);
    if (!scanner) {
      if (settings.source === undefined) continue;
      throw new FreshetError('usage', `tables of a ${kind} source cannot be compared yet`);
    }
    try {
      for (const table of Object.keys(tables)) {
        if (settings.table !== undefined && settings.table !== table) continue;
        compared += 1;
        const prepare = {
          config,
          model: model.id,
          chunking: { ...config.chunking, countTokens: (text: string) => model.countTokens(text) },
          limits: { maxRecordBytes: MAX_RECORD_BYTES - RECORD_MARGIN_BYTES },
          ...JUDGED_ALONE,
          clock,
          // Rows are read whole: no column is ever unavailable.
          readRow: async () => undefined,
        };
        const report = await reconcileTable({
          source,
          table,
          scanner,
          index: settings.index,
          prepare,
          currentPosition: () => SOURCE_KINDS[kind].currentPosition(url),
          pauseMs: settings.pauseMs,
          onProgress: (done) => settings.onProgress(source, table, done),
          ...(settings.signal && { signal: settings.signal }),
        });
        const repaired =
          settings.repair && report.divergent.length > 0
            ? await repairDocuments(
                {
                  source,
                  table,
                  epoch: (await settings.index.watermarks())[source]?.epoch ?? 1,
                  prepare,
                  embed: { embedding, model, clock },
                  index: settings.index,
                  writer: settings.writer,
                  codec: settings.codec,
                },
                report.divergent,
              )
            : 0;
        yield { ...report, repaired };
      }
    } finally {
      await scanner.close();
    }
  }
  if (compared === 0)
    throw new FreshetError(
      'not-found',
      `nothing to compare: no configured table is ${settings.source ?? 'any source'}, ${settings.table ?? 'any table'}`,
    );
};
