/** The whole of Freshet as it ships, in a folder of its own: servers, sample source, roles. What benches measure. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '../../cli/load-config.ts';
import { createProgress } from '../../cli/progress.ts';
import { type RunningFreshet, startEverything } from '../../cli/start/start-everything.ts';
import { openIndexClient } from '../../connectors/index-service/index-client.ts';
import type { IndexService } from '../../connectors/index-service/index-service.ts';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';
import type { FreshetConfig } from '../../schemas/config.ts';

export interface FreshetUnderBench {
  readonly freshet: RunningFreshet;
  readonly index: IndexService;
  readonly config: FreshetConfig;
  untilIndexed(documents: number): Promise<void>;
  stop(): Promise<void>;
}

/** `config` is a file in bench/. */
export const startFreshetUnderBench = async (settings: {
  readonly config: string;
  readonly sampleRows: number;
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<FreshetUnderBench> => {
  const { tell, signal } = settings;
  const root = mkdtempSync(join(tmpdir(), 'freshet-bench-'));
  const configFile = fileURLToPath(new URL(`../${settings.config}`, import.meta.url));
  const config = await loadConfig(configFile);
  const freshet = await startEverything({
    root,
    cacheDirectory: cacheDirectoryOf(process.env),
    configFile,
    config,
    environment: process.env,
    freePorts: true,
    sampleRows: settings.sampleRows,
    progress: createProgress(() => undefined),
    signal,
    onFailure: (error) => tell(error.message),
  });
  const index = openIndexClient(freshet.run.index);
  return {
    freshet,
    index,
    config,
    untilIndexed: async (documents) => {
      while ((await index.status()).documents < documents && !signal.aborted) await sleep(200);
    },
    stop: async () => {
      await freshet.stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
};
