/** Updates of synthetic documents by a process of its own: made in the one that measures, they would hold up what is measured. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RUN_TYPESCRIPT } from '../../connectors/typescript/run-typescript.ts';

const PROGRAM = fileURLToPath(new URL('upsert-process.ts', import.meta.url));

export interface UpsertLoad {
  /** Resolves to how many updates there were, once all are acknowledged. */
  stop(): Promise<number>;
}

export const startUpsertLoad = (settings: {
  readonly broker: string;
  readonly registry: string;
  readonly documents: number;
  readonly smallTenantEvery: number;
  readonly perSecond: number;
}): UpsertLoad => {
  const child = spawn(process.execPath, [...RUN_TYPESCRIPT, PROGRAM, JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (piece: Buffer) => {
    printed += piece.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return {
    stop: async () => {
      child.stdin.end();
      const code = await exited;
      if (code !== 0) throw new Error(`the load of updates ended with code ${code}`);
      return Number(printed);
    },
  };
};
