/** `freshet pipeline`: changes → documents; journal → task states, results, costs; connectors kept running. */

import { join } from 'node:path';
import { openConnectApi } from '../../connectors/debezium/connect-api.ts';
import { sourceNames } from '../../connectors/debezium/connector-config.ts';
import { superviseConnector } from '../../connectors/debezium/supervise-connector.ts';
import { openLmdbDocumentTable } from '../../connectors/document-table/lmdb-document-table.ts';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import {
  type IndexDocumentsEvent,
  startIndexDocuments,
} from '../../pipelines/index-documents/index-documents.ts';
import { ownedByOne } from '../../pipelines/owned-by-one.ts';
import { startExecutionProjection } from '../../pipelines/project-executions/project-executions.ts';
import { trackFreshness } from '../../pipelines/track-freshness/track-freshness.ts';
import { systemClock } from '../../schemas/clock.ts';
import { openRoleEmbedding } from './role-embedding.ts';
import type { RoleContext, RunningRole } from './role-process.ts';

export const startPipelineRole = async (context: RoleContext): Promise<RunningRole> => {
  const { settings, config, folder, log, metrics, kafka, registry, codec, writer, fail } = context;
  const model = await openRoleEmbedding(context, config.embedding.model, config.embedding.workers);
  const table = await openLmdbDocumentTable({ folder: join(folder, 'documents') });
  const connect = openConnectApi(settings.connect);
  const urlOf = (source: string): string => {
    const { url } = config.sources[source] ?? { url: '' };
    return url === 'sample' ? settings.sampleUrl : url;
  };
  const rows = new Map(
    Object.entries(config.sources).map(([source, { kind }]) => [
      source,
      SOURCE_KINDS[kind].openRows(urlOf(source)),
    ]),
  );
  const current = new Set<number>();

  const tracking = ownedByOne(
    () =>
      trackFreshness({
        kafka,
        writer,
        codec,
        connect,
        config,
        urlOf,
        clock: systemClock,
        onTrouble: (source, error) =>
          log.warn({ source, err: error }, 'freshness is not measured for a moment'),
      }),
    (error) => log.warn({ err: error }, 'freshness cannot be tracked yet'),
  );

  const onEvent = (event: IndexDocumentsEvent): void => {
    switch (event.type) {
      case 'records':
        metrics.records.inc({ stage: 'index-documents', outcome: event.outcome }, event.count);
        return;
      case 'gate-refused':
        metrics.gateRefusals.inc({ gate: event.gate });
        return;
      case 'current':
        current.add(event.partition);
        tracking.owns(event.partition);
        return;
      case 'revoked':
        current.delete(event.partition);
        tracking.lost(event.partition);
        return;
      case 'retry':
        metrics.retries.inc({ stage: 'index-documents' });
        log.warn(
          { partition: event.partition, attempt: event.attempt, err: event.error },
          'a batch is tried again',
        );
        return;
      case 'reappended':
        log.info(event, 'newer records appended again after an older one');
        return;
      case 'assigned':
        return;
      default:
        event satisfies never;
    }
  };

  const indexDocuments = await startIndexDocuments({
    kafka,
    writer,
    codec,
    registry,
    table,
    model,
    config,
    clock: systemClock,
    readRow: async (source, change) => rows.get(source)?.read(change.table, change.key, change.unavailable),
    onEvent,
    onFailure: fail,
  });
  const projection = await startExecutionProjection({
    kafka,
    codec,
    writer,
    clock: systemClock,
    onFailure: fail,
  });
  const supervisions = Object.keys(config.sources).map((source) =>
    superviseConnector({
      connect,
      connector: sourceNames(source).connector,
      onHealth: (health, restarting) => log.info({ source, health, restarting }, 'connector'),
    }),
  );
  const lag = setInterval(
    () => metrics.consumerLag.set({ stage: 'index-documents' }, indexDocuments.stats().waiting),
    1_000,
  );
  return {
    notReady: () => {
      const { partitions } = indexDocuments.stats();
      if (partitions.length === 0) return 'its partitions';
      return partitions.every((partition) => current.has(partition))
        ? null
        : 'its table to catch up with the log';
    },
    stop: async () => {
      clearInterval(lag);
      await tracking.stop();
      await Promise.all(supervisions.map((each) => each.stop()));
      await projection.stop();
      await indexDocuments.stop();
      await table.close();
      await model.close();
      await Promise.all([...rows.values()].map((each) => each.close()));
    },
  };
};
