/** Load made by a process of its own: made in the one that measures, or runs servers, it would hold up what is measured. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RUN_TYPESCRIPT } from '../../connectors/typescript/run-typescript.ts';

export interface LoadProcess {
  /** What it printed, as JSON. Rejects where it ended otherwise than in order. */
  readonly printed: Promise<unknown>;
  /** Ends its standard input: a load that goes on until then ends. */
  end(): void;
}

/** One thread collects its garbage: more of them would take both cores from what is measured. */
const QUIET = ['--v8-pool-size=1', '--single-threaded-gc'];

/** `program`: of this folder; it takes its settings as JSON. */
export const startLoadProcess = (program: string, settings: object): LoadProcess => {
  const path = fileURLToPath(new URL(program, import.meta.url));
  const child = spawn(process.execPath, [...QUIET, ...RUN_TYPESCRIPT, path, JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (piece: Buffer) => {
    text += piece.toString();
  });
  const printed = new Promise<unknown>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0 ? resolve(JSON.parse(text)) : reject(new Error(`${program} ended with code ${code}`)),
    );
  });
  // Whoever waits for it is told.
  printed.catch(() => undefined);
  return { printed, end: () => child.stdin.end() };
};
