import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { stripVTControlCharacters } from 'node:util';
import { FreshetError } from '../../schemas/errors.ts';
import { cancelledStart } from './server-process.ts';
import type { Environment } from './stack-event.ts';

export type MavenRun = {
  readonly command: string;
  /** Holds pom.xml. */
  readonly pomDirectory: string;
  /** How many of its modules are fetched at once. */
  readonly modules: number;
  /** Folder that receives everything. */
  readonly target: string;
  readonly environment: Environment;
  readonly onProgress: (detail: string) => void;
  readonly signal: AbortSignal;
};

/**
 * Downloads and unpacks all artifacts in one run of Maven, with its own configuration of where from. Tried a second time
 * when it fails, for one dropped connection must not end a first start.
 * @throws FreshetError `install-failed` or `disk-full`
 */
export const runMaven = async (run: MavenRun): Promise<void> => {
  const first = await runOnce(run, []);
  if (first.code === 0) return;
  if (run.signal.aborted) throw cancelledStart();
  run.onProgress('Maven failed, trying once more');
  // -U: otherwise Maven remembers for a day that a download failed.
  const second = await runOnce(run, ['-U']);
  if (second.code === 0) return;
  if (run.signal.aborted) throw cancelledStart();
  const said = second.errors.slice(0, 6).join('\n');
  if (/No space left on device/.test(said)) {
    throw new FreshetError('disk-full', 'The disk is full: free about 600 MB and start again.');
  }
  throw new FreshetError(
    'install-failed',
    `Maven could not download the servers: check the network and Maven's settings, then start again. It said:\n${said}`,
  );
};

const TICK_MS = 3000;

const runOnce = (run: MavenRun, flags: readonly string[]) =>
  new Promise<{ readonly code: number | null; readonly errors: readonly string[] }>((resolve) => {
    const child = spawn(
      run.command,
      [
        '--batch-mode',
        ...flags,
        '-T',
        String(run.modules),
        '-f',
        run.pomDirectory,
        `-Dfreshet.target=${run.target}`,
        'validate',
      ],
      { env: { ...run.environment }, stdio: ['ignore', 'pipe', 'pipe'], signal: run.signal },
    );
    const errors: string[] = [];
    let files = 0;
    // Maven asks for hundreds of small files between two that are worth a line.
    const ticking = setInterval(() => run.onProgress(`${files} files downloaded`), TICK_MS);
    createInterface({ input: child.stderr }).on('line', (line) => errors.push(line));
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('[ERROR]')) errors.push(stripVTControlCharacters(line));
      if (line.includes('Downloaded from ')) files += 1;
      const detail = progressOf(line);
      if (detail !== undefined) run.onProgress(detail);
    });
    const finish = (code: number | null, said: readonly string[]): void => {
      clearInterval(ticking);
      resolve({ code, errors: said });
    };
    child.once('error', (error) => finish(null, [error.message]));
    child.once('close', (code) => finish(code, errors));
  });

/** What a line of Maven's output says to a person who waits: a large file that came, a module that is done. */
export const progressOf = (line: string): string | undefined => {
  const downloaded =
    /^(?:\[INFO\] )?Downloaded from [^:]+: \S*\/(\S+\.(?:jar|tar\.gz)) \(([\d.]+ [MG]B)/.exec(line);
  if (downloaded) return `${downloaded[1]}, ${downloaded[2]}`;
  const unpacking = /Unpacking \S*\/(\S+) to /.exec(line);
  return unpacking ? `unpacking ${unpacking[1]}` : undefined;
};
