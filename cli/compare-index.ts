/** Opens what a comparison of sources and index needs and nobody holds open for it, and closes it at the end. Terminal and gateway both compare so. */
import { openIndex } from '../connectors/index-service/index-replicas.ts';
import { openLaneReplicas } from '../connectors/index-service/lane-replicas.ts';
import type { KafkaClient } from '../connectors/kafka/kafka.ts';
import type { RecordWriter } from '../connectors/kafka/record-writer.ts';
import type { EmbeddingModel } from '../connectors/models/embedding/embedding-model.ts';
import { openEmbeddingModel } from '../connectors/models/embedding/embedding-model-from-config.ts';
import type { RecordCodec } from '../connectors/registry/record-codec.ts';
import type { ComparisonAsked } from '../gateway/gateway-context.ts';
import { readReleases } from '../pipelines/index-documents/read-releases.ts';
import { type ReplicaReport, reconcileSources } from '../pipelines/reconcile/reconcile-sources.ts';
import { systemClock } from '../schemas/clock.ts';
import type { FreshetConfig } from '../schemas/config.ts';
import { embedsBase } from '../schemas/model-lanes.ts';

export interface CompareIndexSettings {
  readonly config: FreshetConfig;
  /** Where a source is, `sample` resolved. */
  readonly urlOf: (source: string) => string;
  /** Base URLs of the index role's replicas, separated by commas. */
  readonly index: string;
  /** Folder with model.onnx and tokenizer.json. */
  readonly models: string;
  readonly kafka: KafkaClient;
  readonly codec: RecordCodec;
  readonly writer: RecordWriter;
  /** Between two pages of 500 rows. */
  readonly pauseMs: number;
}

/** Yields a report a table. Errors: those of reconcileSources. */
export const compareIndex = async function* (
  settings: CompareIndexSettings,
  asked: ComparisonAsked,
): AsyncGenerator<ReplicaReport> {
  const { config, kafka, codec, writer, pauseMs, urlOf } = settings;
  const open = (name: string): Promise<EmbeddingModel> =>
    openEmbeddingModel(config.embedding, name, { modelDirectory: settings.models, workers: 1 });
  const { wanted, lanes } = await openLaneReplicas(settings.index).lanes();
  const model = await open(config.embedding.model);
  const others = new Map<string, EmbeddingModel>();
  try {
    yield* reconcileSources({
      ...{ config, urlOf, model, writer, codec, pauseMs, ...asked },
      index: openIndex(settings.index),
      embeds: () => embedsBase(wanted),
      modelOf: async (id) => {
        const lane = lanes.find(({ modelId }) => modelId === id);
        if (lane && !others.has(id)) others.set(id, await open(lane.model));
        return others.get(id);
      },
      clock: systemClock,
      releases: () => readReleases(kafka, codec),
    });
  } finally {
    for (const each of [model, ...others.values()]) await each.close();
  }
};
