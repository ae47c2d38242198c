/** In the pipeline role: one re-embedding for each model that freshet.control says is to be kept filled. */
import { join } from 'node:path';
import { openLmdbDocumentTable } from '../../connectors/document-table/lmdb-document-table.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import { followLanes } from '../../pipelines/follow-lanes.ts';
import { reembedDocuments } from '../../pipelines/reembed-documents/reembed-documents.ts';
import { systemClock } from '../../schemas/clock.ts';
import { documentsTopic, lanesFilled, type ModelLanes } from '../../schemas/model-lanes.ts';
import { endIfDamaged } from './end-if-damaged.ts';
import { openRoleEmbedding } from './role-embedding.ts';
import type { RoleContext } from './role-process.ts';
import { DOCUMENTS_FOLDERS, sweepLanes, tellStays } from './sweep-lanes.ts';

export interface ReembedLanes {
  lanes(): ModelLanes;
  /** A model that is filled here. */
  modelOf(id: string): EmbeddingModel | undefined;
  stop(): Promise<void>;
}

const folderOf = (name: string): string => `documents-${name}`;

export const startReembedLanes = async (context: RoleContext): Promise<ReembedLanes> => {
  const { settings, config, folder, log, metrics, kafka, codec, writer, fail } = context;
  const running = new Map<string, { readonly model: EmbeddingModel; stop(): Promise<void> }>();
  let wanted: ModelLanes | undefined;

  const start = async (lanes: ModelLanes, name: string): Promise<void> => {
    const topic = documentsTopic(lanes, name);
    await kafka.admin.createTopics([topic]);
    const model = await openRoleEmbedding(context, name, config.embedding.workers);
    const table = await openLmdbDocumentTable({ folder: join(folder, folderOf(name)) });
    const close = async (): Promise<void> => {
      await table.close();
      await model.close();
    };
    const work = await reembedDocuments({
      ...{ name, model, kafka, codec, writer, table },
      topic: topic.name,
      chunking: config.chunking,
      clock: systemClock,
      backfillPerSecond: () => wanted?.backfillPerSecond ?? lanes.backfillPerSecond,
      onFailure: fail,
      onEvent: (event) => {
        if (event.type === 'records') {
          metrics.records.inc({ stage: 'reembed-documents', outcome: event.outcome }, event.count);
          return;
        }
        endIfDamaged(table, event.error, fail);
        metrics.retries.inc({ stage: 'reembed-documents' });
        log.warn({ model: name, err: event.error, attempt: event.attempt }, 'a batch is tried again');
      },
    }).catch(async (error: unknown) => {
      await close();
      throw error;
    });
    log.info({ model: name, topic: topic.name }, 'documents are embedded with a second model');
    running.set(name, {
      model,
      stop: async () => {
        await work.stop();
        await close();
      },
    });
  };

  const stop = async (name: string): Promise<void> => {
    const work = running.get(name);
    running.delete(name);
    await work?.stop();
  };

  const follower = await followLanes({
    name: settings.name,
    kafka,
    codec,
    base: config.embedding.model,
    onTrouble: (error) => log.warn({ err: error }, 'the change of embedding model waits'),
    onLanes: async (lanes) => {
      wanted = lanes;
      const filled = lanesFilled(lanes);
      for (const name of filled) if (!running.has(name)) await start(lanes, name);
      for (const name of [...running.keys()]) if (!filled.includes(name)) await stop(name);
      await sweepLanes({ folder, ...DOCUMENTS_FOLDERS }, filled.map(folderOf), tellStays(log));
    },
  });
  return {
    lanes: follower.lanes,
    modelOf: (id) => [...running.values()].find(({ model }) => model.id === id)?.model,
    stop: async () => {
      await follower.close();
      for (const name of [...running.keys()]) await stop(name);
    },
  };
};
