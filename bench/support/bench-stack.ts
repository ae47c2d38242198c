/** Servers of a bench's own, on free ports in a folder of their own that goes with them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';
import { type Stack, startStack } from '../../connectors/stack/start-stack.ts';

export interface BenchStack {
  readonly stack: Stack;
  /** For what else the bench writes. */
  readonly root: string;
  close(): Promise<void>;
}

export const openBenchStack = async (
  servers: NonNullable<Parameters<typeof startStack>[0]['servers']>,
  signal: AbortSignal,
): Promise<BenchStack> => {
  const root = mkdtempSync(join(tmpdir(), 'freshet-bench-'));
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  try {
    const stack = await startStack({
      dataDirectory: root,
      cacheDirectory: cacheDirectoryOf(process.env),
      environment: process.env,
      ports: 'free',
      servers,
      signal,
    });
    return {
      stack,
      root,
      close: async () => {
        await stack.stop();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
};
