/**
 * The three protocols against a local server, with limits small enough for a test. A call's time is long: an answer that a slow
 * machine is late with is no hang. A test of hangs gives one that is short.
 */
import type { EmbeddingModel } from '../../../../../connectors/models/embedding/embedding-model.ts';
import { openEmbeddingModel } from '../../../../../connectors/models/embedding/embedding-model-from-config.ts';
import type { EmbeddingLedger } from '../../../../../connectors/models/embedding/remote/embedding-ledger.ts';
import type { RemoteEmbeddingConfig } from '../../../../../schemas/config.ts';

export const PROTOCOLS = ['openai-compatible', 'pinecone', 'ollama'] as const;
export type Protocol = (typeof PROTOCOLS)[number];

const QUICK = {
  timeoutMs: 20_000,
  firstBackoffMs: 5,
  maxBackoffMs: 1_500,
  openMs: 200,
  breakAfter: 4,
  attempts: 4,
} as const;

export const remoteConfig = (
  kind: Protocol,
  url: string,
  limits: RemoteEmbeddingConfig['limits'] = {},
  dimensions = 384,
): RemoteEmbeddingConfig => {
  const shared = { dimensions, limits: { ...QUICK, ...limits } };
  switch (kind) {
    case 'openai-compatible':
      return { kind, baseUrl: `${url}/v1`, model: 'small-1', apiKey: 'sk-test', ...shared };
    case 'pinecone':
      return { kind, baseUrl: url, model: 'multilingual-e5-large', apiKey: 'pc-test', ...shared };
    case 'ollama':
      return { kind, baseUrl: url, model: 'nomic-embed-text', ...shared };
    default:
      return kind satisfies never;
  }
};

export const openRemote = (
  kind: Protocol,
  url: string,
  limits: RemoteEmbeddingConfig['limits'] = {},
  ledger?: EmbeddingLedger,
  dimensions?: number,
): Promise<EmbeddingModel> =>
  openEmbeddingModel({ models: { remote: remoteConfig(kind, url, limits, dimensions) } }, 'remote', {
    modelDirectory: '',
    workers: 1,
    ...(ledger ? { ledger } : {}),
  });
