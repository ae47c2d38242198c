/** The embedding model of a role, its costs and its breaker told of. */
import { BREAKER_GAUGE } from '../../connectors/guarded-calls/breaker-state.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import { openEmbeddingModel } from '../../connectors/models/embedding/embedding-model-from-config.ts';
import { recordEmbeddingCosts } from '../../pipelines/record-embedding-costs.ts';
import { systemClock } from '../../schemas/clock.ts';
import type { RoleContext } from './role-process.ts';

/** `workers` are threads of a local model. Errors: those of openEmbeddingModel. */
export const openRoleEmbedding = (
  { settings, config, log, metrics, codec, writer }: RoleContext,
  name: string,
  workers: number,
): Promise<EmbeddingModel> =>
  openEmbeddingModel(config.embedding, name, {
    modelDirectory: settings.models,
    workers,
    ledger: recordEmbeddingCosts({
      name: settings.name,
      writer,
      codec,
      clock: systemClock,
      inputPerMillionUsd: config.embedding.models[name]?.price?.inputPerMillionUsd ?? '0',
      onLost: (error) =>
        log.warn({ err: error }, 'what an embedding cost was not written; its reservation stands'),
    }),
    onBreaker: (state) => {
      metrics.breakerState.set({ tool: `embedding:${name}` }, BREAKER_GAUGE[state]);
      log.warn({ model: name, state }, 'the breaker of the embedding model');
    },
  });
