/** `freshet pipeline`: changes → documents; journal → task states, results, costs; connectors kept running. */

import { join } from 'node:path';
import { openConnectApi } from '../../connectors/debezium/connect-api.ts';
import { createChangeReader } from '../../connectors/debezium/read-change.ts';
import { openLmdbDocumentTable } from '../../connectors/document-table/lmdb-document-table.ts';
import { openIndex } from '../../connectors/index-service/index-replicas.ts';
import { SOURCE_KINDS } from '../../connectors/sources/source-kinds.ts';
import { withoutLoopback } from '../../connectors/sources/without-loopback.ts';
import {
  type IndexDocumentsEvent,
  startIndexDocuments,
} from '../../pipelines/index-documents/index-documents.ts';
import { readReleases } from '../../pipelines/index-documents/read-releases.ts';
import { ownedByOne } from '../../pipelines/owned-by-one.ts';
import { startExecutionProjection } from '../../pipelines/project-executions/project-executions.ts';
import { scanInBackground } from '../../pipelines/reconcile/scan-in-background.ts';
import { trackFreshness } from '../../pipelines/track-freshness/track-freshness.ts';
import { askForPause } from '../../pipelines/watch-sources/ask-for-pause.ts';
import { readSourceStates, turnsIn } from '../../pipelines/watch-sources/source-states.ts';
import { SOURCE_STATES } from '../../pipelines/watch-sources/source-watch-state.ts';
import type { SourceEvent } from '../../pipelines/watch-sources/watch-source.ts';
import { watchSources } from '../../pipelines/watch-sources/watch-sources.ts';
import { systemClock } from '../../schemas/clock.ts';
import { embedsBase } from '../../schemas/model-lanes.ts';
import { endIfDamaged } from './end-if-damaged.ts';
import { forgetComparison, measureComparison } from './measure-comparison.ts';
import { knownLag, measureLag } from './measure-lag.ts';
import { withOwnedGauges } from './owned-gauges.ts';
import { spanOfResult } from './plane-spans.ts';
import { startReembedLanes } from './reembed-lanes.ts';
import { openRoleEmbedding } from './role-embedding.ts';
import type { RoleContext, RunningRole } from './role-process.ts';

export const startPipelineRole = async (context: RoleContext): Promise<RunningRole> => {
  const { settings, config, folder, log, metrics, recordSpan, kafka, registry, codec, writer, fail } =
    context;
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
  const changes = createChangeReader(registry);
  const watch = ownedByOne(
    async () =>
      withOwnedGauges(
        await watchSources({
          sources: Object.entries(config.sources).map(([source, { kind, tables }]) => ({
            ...{ source, kafka, writer, codec, changes, connect },
            kind: SOURCE_KINDS[kind],
            url: urlOf(source),
            mappings: tables,
            capture: {
              kafka: settings.kafka,
              schemaRegistry: settings.connectRegistry || registryBase(settings.registry),
              // The sample's database stands beside Connect, wherever that is.
              ...(settings.connectLoopback && config.sources[source]?.url !== 'sample'
                ? { url: withoutLoopback(urlOf(source), settings.connectLoopback) }
                : {}),
            },
            clock: systemClock,
          })),
          onEvent: onSource,
        }),
        [metrics.sourceState, metrics.retainedWal],
      ),
    (error) => log.warn({ err: error }, 'the watch of the sources could not begin'),
  );

  const onSource = (event: SourceEvent): void => {
    switch (event.type) {
      case 'state': {
        const { source, state, reason, epoch, retainedWalBytes } = event.state;
        for (const each of SOURCE_STATES)
          metrics.sourceState.set({ source, state: each }, each === state ? 1 : 0);
        metrics.retainedWal.set({ source }, retainedWalBytes ?? 0);
        log.info({ source, state, reason, epoch }, 'source');
        return;
      }
      case 'lost':
        log.error(event, 'changes of a source were lost: it is read again under a new epoch');
        return;
      case 'restarting':
      case 'swept':
        log.info(event, 'source');
        return;
      case 'trouble':
        log.warn({ source: event.source, err: event.error }, 'source');
        return;
      default:
        event satisfies never;
    }
  };

  const reembedding = await startReembedLanes(context);
  const embeds = (): boolean => embedsBase(reembedding.lanes());
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
        index: openIndex(settings.index),
        onTrouble: (source, error) =>
          log.warn({ source, err: error }, 'freshness is not measured for a moment'),
      }),
    (error) => log.warn({ err: error }, 'freshness cannot be tracked yet'),
  );

  const everyMs = config.index.verifyEveryMinutes * 60_000;
  const scanning = ownedByOne(
    async () =>
      withOwnedGauges(
        scanInBackground({
          config,
          urlOf,
          index: openIndex(settings.index),
          model,
          embeds,
          modelOf: async (id) => reembedding.modelOf(id),
          writer,
          codec,
          clock: systemClock,
          releases: () => readReleases(kafka, codec),
          everyMs,
          onCompared: (report) => {
            measureComparison(metrics, report, systemClock());
            const { source, table, divergent } = report;
            if (divergent.length > 0)
              log.warn(
                { source, table, documents: divergent.length },
                'the index differs from its source: npx freshet index verify',
              );
          },
          onUncompared: (source, table) => void forgetComparison(metrics, source, table),
          onTrouble: (error) => log.warn({ err: error }, 'the index could not be compared with its sources'),
        }),
        [
          ...[metrics.divergentDocuments, metrics.unsettledDocuments],
          ...[metrics.comparedRows, metrics.comparedTimestamp],
        ],
      ),
    (error) => log.warn({ err: error }, 'the comparison in the background cannot begin'),
  );

  const onEvent = (event: IndexDocumentsEvent): void => {
    switch (event.type) {
      case 'records':
        metrics.records.inc({ stage: 'index-documents', outcome: event.outcome }, event.count);
        return;
      case 'gate-refused':
        metrics.gateRefusals.inc({ gate: event.gate });
        return;
      case 'dead-lettered':
        metrics.deadLetters.inc({ topic: event.topic, reason: event.reason });
        return;
      case 'gate-judged':
        metrics.gateVerdicts.inc({ gate: event.gate, outcome: event.outcome }, event.count);
        return;
      case 'current':
        current.add(event.partition);
        tracking.owns(event.partition);
        watch.owns(event.partition);
        if (everyMs > 0) scanning.owns(event.partition);
        return;
      case 'revoked':
        current.delete(event.partition);
        tracking.lost(event.partition);
        watch.lost(event.partition);
        scanning.lost(event.partition);
        return;
      case 'retry':
        endIfDamaged(table, event.error, fail);
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
    embeds,
    kafka,
    writer,
    codec,
    registry,
    table,
    model,
    config,
    clock: systemClock,
    readRow: async (source, { table, key }) => rows.get(source)?.read(table, key),
    tableTurns: async () => turnsIn(await readSourceStates(kafka, codec)),
    askForPause: (found) => askForPause({ writer, codec, clock: systemClock }, found),
    onEvent,
    onFailure: fail,
  });
  const projection = await startExecutionProjection({
    kafka,
    codec,
    writer,
    clock: systemClock,
    onEvent: (event) => {
      if (event.name === 'dead-lettered')
        metrics.deadLetters.inc({ topic: event.topic, reason: event.reason });
      const span = recordSpan && event.name === 'result-sent' ? spanOfResult(event) : null;
      if (span) recordSpan?.(span);
    },
    onFailure: fail,
  });
  const notReady = (): string | null => {
    const { partitions } = indexDocuments.stats();
    if (partitions.length === 0) return 'its partitions';
    return partitions.every((partition) => current.has(partition))
      ? null
      : 'its table to catch up with the log';
  };
  const endLag = measureLag(metrics, 'index-documents', systemClock, () =>
    knownLag(indexDocuments.stats(), notReady() === null),
  );
  return {
    notReady,
    stop: async () => {
      endLag();
      await tracking.stop();
      await watch.stop();
      await scanning.stop();
      await projection.stop();
      await indexDocuments.stop();
      await reembedding.stop();
      await table.close();
      await model.close();
      await Promise.all([...rows.values()].map((each) => each.close()));
    },
  };
};

/** Connect's converter speaks the registry's own API, at the same server. */
const registryBase = (confluent: string): string => confluent.replace(/\/apis\/ccompat\/v7\/?$/, '');
