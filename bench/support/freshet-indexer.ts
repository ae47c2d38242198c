import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createProgress } from '../../cli/progress.ts';
import type { RunFile } from '../../cli/run-file.ts';
import { startEverything } from '../../cli/start/start-everything.ts';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';
import { PEERS_SOURCE_VARIABLE, PEERS_TENANT, peersFreshetConfig } from '../peers-freshet-config.ts';
import type { Indexer, StartIndexer } from './indexer.ts';

export interface FreshetIndexer extends Indexer {
  readonly run: RunFile;
}

/** All of Freshet as it ships, with servers and folders of its own. */
export const startFreshetIndexer = async ({
  url,
  tell,
  signal,
}: Parameters<StartIndexer>[0]): Promise<FreshetIndexer> => {
  const root = mkdtempSync(join(tmpdir(), 'freshet-bench-'));
  let serversReadyAt = performance.now();
  const progress = createProgress(() => undefined);
  const freshet = await startEverything({
    root,
    cacheDirectory: cacheDirectoryOf(process.env),
    configFile: fileURLToPath(new URL('../peers-freshet.config.ts', import.meta.url)),
    config: peersFreshetConfig(url),
    environment: { ...process.env, [PEERS_SOURCE_VARIABLE]: url },
    freePorts: true,
    sampleRows: 0,
    progress: {
      ...progress,
      // Servers are up and topics made: from here on it is Freshet itself that starts.
      line: (part) => {
        if (part === 'topics') serversReadyAt = performance.now();
      },
    },
    signal,
    onFailure: (error) => tell(error.message),
  });
  const index = openIndexClient(freshet.run.index);
  return {
    serversReadyAt,
    run: freshet.run,
    search: async (text, topK) => {
      // By vectors alone, as its peers do.
      const { hits } = await index.search({ query: text, tenant: PEERS_TENANT, topK, mode: 'vector' });
      return hits.map((hit) => hit.text);
    },
    documents: async () => (await index.status()).documents,
    stop: async () => {
      await freshet.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
};
