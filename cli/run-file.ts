/** .freshet/run.json: where everything is while Freshet runs, for the other commands and for programs outside. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { mayBeSameProcess } from '../connectors/stack/process-identity.ts';
import { FreshetError } from '../schemas/errors.ts';

export interface RunFile {
  /** The process of `freshet up`. */
  readonly pid: number;
  /** What tells that process from a later one with its pid (`processIdentity`). The release before did not write it. */
  readonly identity?: string | undefined;
  readonly startedAt: string;
  readonly gateway: string;
  readonly index: string;
  readonly kafka: string;
  /** Confluent's API. */
  readonly schemaRegistry: string;
  readonly connect: string;
  readonly redis: string;
  readonly sources: Readonly<Record<string, string>>;
  readonly roles: Readonly<Record<string, number>>;
  /** Where each role answers health and metrics. */
  readonly roleUrls: Readonly<Record<string, string>>;
  readonly servers: Readonly<Record<string, number>>;
  readonly config: string;
  /** Folder with model.onnx and tokenizer.json. */
  readonly models: string;
  /** What `sample` stands for as a source's URL; empty where there is none. */
  readonly sampleUrl: string;
}

export const runFilePath = (root: string): string => join(root, '.freshet', 'run.json');

/** Data of the servers: what `reset` forgets. */
export const serverFolderOf = (root: string): string => join(root, '.freshet', 'data', 'servers');

export const writeRunFile = (root: string, run: RunFile): void => {
  const path = runFilePath(root);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
};

/**
 * Undefined where nothing runs: no file, or one that a killed run left behind. A pid alone says little: in a
 * container every run has the same.
 */
export const findRun = (root: string): RunFile | undefined => {
  const path = runFilePath(root);
  if (!existsSync(path)) return undefined;
  try {
    const run = JSON.parse(readFileSync(path, 'utf8')) as RunFile;
    return mayBeSameProcess(run.pid, run.identity) ? run : undefined;
  } catch {
    return undefined;
  }
};

/** Removes what this process wrote. Where two start at once, the one that fails leaves the other's. */
export const removeRunFile = (root: string): void => {
  if (findRun(root)?.pid === process.pid) rmSync(runFilePath(root), { force: true });
};

/** What to do where a run that is found may be another program that has its pid by now. */
export const unlessAnother = (root: string, { pid, identity }: RunFile): string =>
  identity === undefined ? `; if process ${pid} is another program by now, delete ${runFilePath(root)}` : '';

/** Throws `not-running` with the command that starts it. */
export const requireRun = (root: string): RunFile => {
  const run = findRun(root);
  if (!run)
    throw new FreshetError(
      'not-running',
      `Freshet does not run here (${runFilePath(root)}); start it with: npm start`,
    );
  return run;
};
