import type { EmbeddingConfig, RemoteEmbeddingConfig } from '../../../schemas/config.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import { ownField } from '../../../schemas/own-field.ts';
import type { BreakerState } from '../../guarded-calls/guarded-calls.ts';
import type { EmbeddingModel } from './embedding-model.ts';
import { createHashEmbeddingModel } from './hash-embedding-model.ts';
import { openMinilmEmbeddingModel } from './minilm-embedding-model.ts';
import type { EmbeddingEndpoint } from './remote/embedding-endpoint.ts';
import type { EmbeddingLedger } from './remote/embedding-ledger.ts';
import { createOllamaEmbeddingEndpoint } from './remote/ollama-embedding-endpoint.ts';
import { createOpenAiEmbeddingEndpoint } from './remote/openai-embedding-endpoint.ts';
import { createPineconeEmbeddingEndpoint } from './remote/pinecone-embedding-endpoint.ts';
import { createRemoteEmbeddingModel, DEFAULT_REMOTE_LIMITS } from './remote/remote-embedding-model.ts';

export type EmbeddingModelPlaces = {
  /** Folder of the local model's files. */
  readonly modelDirectory: string;
  /** Threads of a local model. */
  readonly workers: number;
  readonly ledger?: EmbeddingLedger;
  readonly onBreaker?: (state: BreakerState) => void;
};

/**
 * The embedding model of a name: a local one, or one of `models`. A remote one is not asked before its first text.
 * @throws FreshetError `config-invalid` for a name that the configuration does not know, `model-failed` where a local
 * model's files are missing
 */
export const openEmbeddingModel = async (
  config: Pick<EmbeddingConfig, 'models'>,
  name: string,
  { modelDirectory, workers, ledger, onBreaker }: EmbeddingModelPlaces,
): Promise<EmbeddingModel> => {
  if (name === 'feature-hash-384') return createHashEmbeddingModel();
  if (name === 'all-minilm-l6-v2') return openMinilmEmbeddingModel({ modelDirectory, workers });
  const remote = ownField(config.models, name);
  if (remote === undefined)
    throw new FreshetError(
      'config-invalid',
      `no embedding model is called ${name}; add it to embedding.models`,
    );
  return createRemoteEmbeddingModel({
    endpoint: endpointOf(remote),
    dimensions: remote.dimensions,
    limits: { ...DEFAULT_REMOTE_LIMITS, ...PROTOCOL_LIMITS[remote.kind], ...given(remote.limits) },
    ...(ledger ? { ledger } : {}),
    ...(onBreaker ? { onBreaker } : {}),
  });
};

/** What the provider's documentation says one request may hold, where it is not the default. */
const PROTOCOL_LIMITS: Readonly<
  Record<RemoteEmbeddingConfig['kind'], { readonly maxTextsPerRequest: number }>
> = {
  'openai-compatible': { maxTextsPerRequest: 256 },
  pinecone: { maxTextsPerRequest: 96 },
  // It works them off one after another: larger requests only wait longer.
  ollama: { maxTextsPerRequest: 32 },
};

const given = (limits: RemoteEmbeddingConfig['limits']): Record<string, number> =>
  Object.fromEntries(
    Object.entries(limits ?? {}).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );

const endpointOf = (config: RemoteEmbeddingConfig): EmbeddingEndpoint => {
  const endpoint = protocolOf(config);
  return config.revision === undefined ? endpoint : { ...endpoint, id: `${endpoint.id}#${config.revision}` };
};

const protocolOf = (config: RemoteEmbeddingConfig): EmbeddingEndpoint => {
  switch (config.kind) {
    case 'openai-compatible':
      return createOpenAiEmbeddingEndpoint({
        baseUrl: config.baseUrl,
        model: config.model,
        apiKey: config.apiKey ?? '',
        ...(config.askDimensions ? { askDimensions: config.dimensions } : {}),
      });
    case 'pinecone':
      return createPineconeEmbeddingEndpoint(config);
    case 'ollama':
      return createOllamaEmbeddingEndpoint(config);
    default:
      return config satisfies never;
  }
};
