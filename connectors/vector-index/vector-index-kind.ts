/** Where a generation's vectors are kept: in a folder of its own, or in namespaces of its own at Pinecone. */
import { join } from 'node:path';
import type { VectorIndexConfig } from '../../schemas/config.ts';
import type { PineconeIndexSettings } from './pinecone-vector-index.ts';
import type { VectorIndex } from './vector-index.ts';
import { openZvecVectorIndex } from './zvec-vector-index.ts';

export interface VectorIndexPlace {
  /** Of the generation; what is in it goes with it. */
  readonly folder: string;
  readonly generation: number;
  readonly dimensions: number;
  /** Begins empty, whatever is there. */
  readonly discard: boolean;
}

export interface VectorIndexKind {
  /** What it holds stays when the generation's folder is removed: it has to be emptied. */
  readonly remote: boolean;
  open(place: VectorIndexPlace): Promise<VectorIndex>;
  /** Those that it holds anything of elsewhere, whatever the folder says: the disk may have been lost. Errors: as `open`. */
  generations(): Promise<readonly number[]>;
}

export const EMBEDDED: VectorIndexKind = {
  remote: false,
  open: ({ folder, dimensions, discard }) =>
    openZvecVectorIndex({ folder: join(folder, 'vectors'), dimensions, discard }),
  generations: async () => [],
};

/**
 * `replica` names this copy of the index: each writes namespaces of its own, as one that is behind would remove rows
 * that another, further on, has made visible again.
 */
export const vectorIndexKind = (
  config: VectorIndexConfig,
  replica: string,
  options: {
    readonly onBreaker?: NonNullable<PineconeIndexSettings['onBreaker']>;
    readonly limits?: NonNullable<PineconeIndexSettings['limits']>;
  } = {},
): VectorIndexKind => {
  switch (config.kind) {
    case 'embedded':
      return EMBEDDED;
    case 'pinecone': {
      const { host, apiKey } = config;
      const prefix = `${config.prefix ?? 'freshet'}-${replica}`;
      return {
        remote: true,
        open: async ({ generation, dimensions, discard }) => {
          // Its library takes half a second of a start: loaded where it is used.
          const { openPineconeVectorIndex } = await import('./pinecone-vector-index.ts');
          const its = `${prefix}-${generation}`;
          return openPineconeVectorIndex({ ...options, host, apiKey, prefix: its, dimensions, discard });
        },
        generations: async () => {
          const { pineconeGenerations } = await import('./pinecone-generations.ts');
          return pineconeGenerations({ ...options, host, apiKey, prefix });
        },
      };
    }
    default:
      return config satisfies never;
  }
};
