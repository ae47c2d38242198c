/**
 * The folder of an index: `index.json` names the graphs that serve and the first of the logs that tell what came since.
 * It is replaced whole, so at any moment of a crash those graphs and logs are the index, and the rest is swept away.
 */
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FreshetError } from '../../schemas/errors.ts';
import { replaceDurably } from '../files/replace-durably.ts';

export interface Manifest {
  readonly format: typeof FORMAT;
  readonly dimensions: number;
  /** The large one; 0: none yet. */
  readonly graph: number;
  /** 0: none. */
  readonly small: number;
  readonly log: number;
}

/** Raised when files are laid out differently. The first had one graph. */
const FORMAT = 2;
const MANIFEST = 'index.json';
const REBUILD = '`freshet index rebuild` makes it anew from the log';
/** What tells of this index, the owner's lock apart. */
const PARTS = /^(?:index\.json(?:\.new)?|state|graph-\d+|log-\d+|removed-\d+|rows.*)$/;

export const graphFolder = (folder: string, graph: number): string => join(folder, `graph-${graph}`);
export const logPath = (folder: string, log: number): string => join(folder, `log-${log}`);
/** What is removed from a large graph: it outlives the logs that a small graph ends. */
export const removedPath = (folder: string, graph: number): string => join(folder, `removed-${graph}`);

/** In order, from the given one on. */
export const logNumbers = (folder: string, from: number): readonly number[] =>
  readdirSync(folder)
    .map((name) => Number(/^log-(\d+)$/.exec(name)?.[1] ?? -1))
    .filter((log) => log >= from)
    .sort((a, b) => a - b);

/** The first format had one graph, and one log for all that was removed: it goes on as a large graph of which nothing is noted yet. */
const ofThisFormat = (folder: string, read: unknown): unknown => {
  const { format, ...parts } = (read ?? {}) as Partial<Omit<Manifest, 'format'>> & { format?: number };
  if (format !== 1) return read;
  if (parts.graph) closeSync(openSync(removedPath(folder, parts.graph), 'w'));
  return writeManifest(folder, { dimensions: 0, graph: 0, log: 1, ...parts, small: 0 });
};

const isManifest = (value: unknown): value is Manifest =>
  typeof value === 'object' &&
  value !== null &&
  'format' in value &&
  value.format === FORMAT &&
  ['dimensions', 'graph', 'small', 'log'].every((name) =>
    Number.isInteger((value as Record<string, unknown>)[name]),
  );

/**
 * Undefined where there is no index. Errors: `index-corrupt` for one that cannot be read or is of another format,
 * `config-invalid` for vectors of another size.
 */
export const readManifest = (folder: string, dimensions: number): Manifest | undefined => {
  const names = readdirSync(folder).filter((name) => PARTS.test(name));
  if (names.length === 0) return undefined;
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8'));
  } catch (cause) {
    throw new FreshetError('index-corrupt', `the vector index in ${folder} cannot be read; ${REBUILD}`, {
      cause,
    });
  }
  manifest = ofThisFormat(folder, manifest);
  if (!isManifest(manifest))
    throw new FreshetError('index-corrupt', `the vector index in ${folder} is of another format; ${REBUILD}`);
  if (manifest.dimensions !== dimensions)
    throw new FreshetError(
      'config-invalid',
      `the vector index in ${folder} holds ${manifest.dimensions} dimensions, the model makes ${dimensions}; ${REBUILD}`,
    );
  return manifest;
};

/** On disk when it returns. */
export const writeManifest = (folder: string, parts: Omit<Manifest, 'format'>): Manifest => {
  const manifest = { ...parts, format: FORMAT } as const;
  replaceDurably(join(folder, MANIFEST), JSON.stringify(manifest));
  return manifest;
};

/** After a write that failed: whether the manifest names that log all the same, on disk or not. */
export const mayName = (folder: string, log: number): boolean => {
  try {
    const held = JSON.parse(readFileSync(join(folder, MANIFEST), 'utf8')) as Partial<Manifest>;
    return held.log === log;
  } catch {
    return true;
  }
};

const isStray = (name: string, { graph, small, log }: Manifest): boolean => {
  const [, kind, digits] = /^(graph|removed|log)-(\d+)$/.exec(name) ?? [];
  const number = Number(digits);
  if (kind === 'graph') return number !== graph && number !== small;
  return kind === 'removed' ? number !== graph : kind === 'log' && number < log;
};

/** Removes graphs and logs that the manifest doesn't name, but none of `kept`. */
export const sweep = (folder: string, manifest: Manifest, kept: readonly string[] = []): void => {
  for (const name of readdirSync(folder)) {
    if (isStray(name, manifest) && !kept.includes(join(folder, name)))
      rmSync(join(folder, name), { recursive: true, force: true });
  }
};

/** Removes an index, damaged or not, whose lock is held. */
export const discardFiles = (folder: string): void => {
  for (const name of readdirSync(folder)) {
    if (PARTS.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
};
