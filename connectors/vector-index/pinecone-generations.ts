import { openPineconeCalls, refused } from './pinecone-calls.ts';
import { generationOf } from './pinecone-names.ts';
import type { PineconeIndexSettings } from './pinecone-vector-index.ts';

/** Numbers of the indexes that have a namespace there, whose prefix is this one, a dash and the number. Errors: as `refused`. */
export const pineconeGenerations = async ({
  host,
  apiKey,
  prefix,
  limits = {},
}: Pick<PineconeIndexSettings, 'host' | 'apiKey' | 'prefix' | 'limits'>): Promise<readonly number[]> => {
  const calls = openPineconeCalls({ host, apiKey, limits });
  try {
    const { value } = await calls.call((index) => index.describeIndexStats()).catch(refused);
    const found = Object.keys(value.namespaces ?? {}).map((name) => generationOf(prefix, name));
    return [...new Set(found.filter((number) => number !== undefined))];
  } finally {
    calls.close();
  }
};
