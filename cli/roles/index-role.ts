/** `freshet index`: documents → vector index, and its searches. */
import { join } from 'node:path';
import { serveIndex } from '../../connectors/index-service/index-server.ts';
import { openMinisearchKeywordIndex } from '../../connectors/keyword-index/minisearch-keyword-index.ts';
import { vectorIndexKind } from '../../connectors/vector-index/vector-index-kind.ts';
import { startIndexRole as startIndex } from '../../pipelines/apply-index/index-role.ts';
import { systemClock } from '../../schemas/clock.ts';
import { BREAKER_VALUES, openRoleEmbedding } from './role-embedding.ts';
import type { RoleContext, RunningRole } from './role-process.ts';

export const startIndexRole = async (context: RoleContext): Promise<RunningRole> => {
  const { settings, config, folder, log, metrics, kafka, codec, writer, fail } = context;
  const model = await openRoleEmbedding(context, config.embedding.model, 1);
  const index = await startIndex({
    name: settings.name,
    folder: join(folder, 'index'),
    kafka,
    writer,
    codec,
    model,
    timings: settings.timings !== 'no',
    ...(config.index.keywordMegabytes > 0 && {
      keywords: openMinisearchKeywordIndex({ maxBytes: config.index.keywordMegabytes * 2 ** 20 }),
    }),
    clock: systemClock,
    kind: vectorIndexKind(config.vectorsByIndex[settings.name] ?? config.vectors, settings.name, {
      onBreaker: (state) => {
        metrics.breakerState.set({ tool: 'pinecone' }, BREAKER_VALUES[state]);
        log.warn({ state }, 'the breaker of Pinecone');
      },
    }),
    sources: Object.keys(config.sources),
    targetMs: config.freshness.targetMs,
    onFailure: fail,
    onEvent: (event) => {
      if (event.type === 'records')
        metrics.records.inc({ stage: 'apply-index', outcome: event.outcome }, event.count);
      else if (event.type === 'search') metrics.searchSeconds.observe(event.micros / 1e6);
      else if (event.type === 'discarded')
        log.warn({ reason: event.reason }, 'the index is read anew from the log');
      else {
        metrics.retries.inc({ stage: 'apply-index' });
        log.warn(
          { partition: event.partition, attempt: event.attempt, err: event.error },
          'a batch is tried again',
        );
      }
    },
  });
  const lag = setInterval(() => metrics.consumerLag.set({ stage: 'apply-index' }, index.waiting()), 1_000);
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
      clearInterval(lag);
      await index.stop();
      await model.close();
    },
  };
};
