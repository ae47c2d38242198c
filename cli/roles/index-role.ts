/** `freshet index`: documents → vector index, and its searches. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { BREAKER_GAUGE } from '../../connectors/guarded-calls/breaker-state.ts';
import { serveIndex } from '../../connectors/index-service/index-server.ts';
import { openMinisearchKeywordIndex } from '../../connectors/keyword-index/minisearch-keyword-index.ts';
import { spansOfTiming } from '../../connectors/telemetry/change-spans.ts';
import { vectorIndexKind } from '../../connectors/vector-index/vector-index-kind.ts';
import {
  type IndexRoleSettings,
  startIndexRole as startIndex,
} from '../../pipelines/apply-index/index-role.ts';
import { openModelLanes } from '../../pipelines/apply-index/model-lanes.ts';
import { systemClock } from '../../schemas/clock.ts';
import { knownLag, measureLag } from './measure-lag.ts';
import { spanOfSearch } from './plane-spans.ts';
import { openRoleEmbedding } from './role-embedding.ts';
import type { RoleContext, RunningRole } from './role-process.ts';
import { INDEX_FOLDERS, sweepLanes, tellStays } from './sweep-lanes.ts';

export const startIndexRole = async (context: RoleContext): Promise<RunningRole> => {
  const { settings, config, folder, log, metrics, recordSpan, kafka, codec, writer, fail } = context;
  const { changeRatio } = config.telemetry;
  const onEvent: IndexRoleSettings['onEvent'] = (event) => {
    if (event.type === 'records')
      metrics.records.inc({ stage: 'apply-index', outcome: event.outcome }, event.count);
    else if (event.type === 'search' || event.type === 'search-failed') {
      if (event.type === 'search') metrics.searchSeconds.observe(event.micros / 1e6);
      const span = recordSpan && spanOfSearch(event, randomUUID());
      if (span) recordSpan?.(span);
    } else if (event.type === 'timed') {
      if (recordSpan) for (const span of spansOfTiming(event.timing, changeRatio)) recordSpan(span);
    } else if (event.type === 'discarded')
      log.warn({ reason: event.reason }, 'the index is read anew from the log');
    else if (event.type === 'left-behind')
      log.warn({ err: event.error }, 'the index before could not be removed whole: the next start sweeps it');
    else {
      metrics.retries.inc({ stage: 'apply-index' });
      log.warn(
        { partition: event.partition, attempt: event.attempt, err: event.error },
        'a batch is tried again',
      );
    }
  };
  const kindOf = (replica: string) =>
    vectorIndexKind(
      config.vectorsByIndex[replica] ?? config.vectorsByIndex[settings.name] ?? config.vectors,
      replica,
      {
        onBreaker: (state, calls) => {
          const tool = calls === 'writes' ? 'pinecone' : 'pinecone-searches';
          metrics.breakerState.set({ tool }, BREAKER_GAUGE[state]);
          log.warn({ state, calls }, 'the breaker of Pinecone');
        },
      },
    );
  const folderOf = (lane: string | null): string => (lane === null ? 'index' : `index-${lane}`);
  const index = await openModelLanes({
    name: settings.name,
    kafka,
    codec,
    base: config.embedding.model,
    remote: kindOf(settings.name).remote,
    openModel: (name) => openRoleEmbedding(context, name, 1),
    openIndex: (lane, model, lanes) => {
      const name = lane === null ? settings.name : `${settings.name}.${lane}`;
      return startIndex({
        ...lanes,
        name,
        folder: join(folder, folderOf(lane)),
        kafka,
        writer,
        codec,
        model,
        timings: settings.timings !== 'no',
        ...(config.index.keywordMegabytes > 0 && {
          keywords: openMinisearchKeywordIndex({ maxBytes: config.index.keywordMegabytes * 2 ** 20 }),
        }),
        clock: systemClock,
        kind: kindOf(name.replaceAll('.', '-')),
        sources: Object.keys(config.sources),
        targetMs: config.freshness.targetMs,
        onFailure: fail,
        onEvent,
      });
    },
    keepOnly: async (lanes) => {
      const left = await sweepLanes({ folder, ...INDEX_FOLDERS }, lanes.map(folderOf), tellStays(log));
      if (left.length > 0)
        log.info({ folders: left }, 'indexes of embedding models that were given up are removed');
    },
    onSwitch: (model) => log.info({ model }, 'searches are answered with another embedding model'),
    onTrouble: (error) => log.warn({ err: error }, 'the change of embedding model waits'),
  });
  const endLag = measureLag(metrics, 'apply-index', systemClock, () =>
    knownLag({ waiting: index.waiting(), oldest: index.oldest() }, index.current()),
  );
  const notReady = (): string | null =>
    index.trouble()?.message ?? (index.current() ? null : 'the index to catch up with the log');
  const server = await serveIndex(
    index,
    { role: 'index', notReady, metrics: metrics.registry },
    settings.port,
  );
  return {
    notReady,
    server,
    stop: async () => {
      endLag();
      await index.stop();
    },
  };
};
