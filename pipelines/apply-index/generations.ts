/**
 * Generations of an index on disk: a folder each with its table and its vectors, and a file that names the one that
 * serves. A rebuild writes the next folder and then swaps the name, so a crash leaves one whole generation serving.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLmdbDocumentTable } from '../../connectors/document-table/lmdb-document-table.ts';
import { flushFolder } from '../../connectors/files/flush-folder.ts';
import { replaceDurably } from '../../connectors/files/replace-durably.ts';
import type { VectorIndex } from '../../connectors/vector-index/vector-index.ts';
import { EMBEDDED, type VectorIndexKind } from '../../connectors/vector-index/vector-index-kind.ts';
import { hasCode, toError } from '../../schemas/errors.ts';
import type { IndexGeneration } from './apply-documents.ts';

export interface Generations {
  serving(): IndexGeneration;
  /** An action on the generation that serves, which stays open until it ends, whatever replaces it meanwhile. */
  using<T>(action: (generation: IndexGeneration) => Promise<T>): Promise<T>;
  /** An empty generation beside the one that serves. */
  openNext(): Promise<IndexGeneration>;
  /** Makes the generation last opened the one that serves. The one before is removed in the background: gigabytes, and searches may be in it. */
  replace(next: IndexGeneration): Promise<void>;
  /** Gives up the generation last opened, unless it serves by now. */
  discard(next: IndexGeneration): Promise<void>;
  /** Leaves word that what serves is damaged: the next opening begins empty. */
  condemn(reason: string): void;
  /** Waits for what is being removed. */
  close(): Promise<void>;
}

export interface GenerationsSettings {
  readonly folder: string;
  readonly dimensions: number;
  /** Default: in the generation's folder. */
  readonly kind?: VectorIndexKind;
  /** Why the index begins empty and is read anew from the log. */
  readonly onDiscarded: (reason: string) => void;
  /** The generation before could not be closed or removed whole: the next opening sweeps it. */
  readonly onLeftBehind?: (error: Error) => void;
}

const CURRENT = 'current';
const CONDEMNED = 'condemned';

export const openGenerations = async (settings: GenerationsSettings): Promise<Generations> => {
  const { folder, kind = EMBEDDED } = settings;
  mkdirSync(folder, { recursive: true });
  const currentFile = join(folder, CURRENT);
  const named = (): number => (existsSync(currentFile) ? Number(readFileSync(currentFile, 'utf8')) : 1);
  let number = named();
  if (!Number.isInteger(number) || number < 1) number = 1;

  const folderOf = (generation: number): string => join(folder, `generation-${generation}`);

  const openVectors = (generation: number, discard: boolean): Promise<VectorIndex> =>
    kind.open({ folder: folderOf(generation), generation, dimensions: settings.dimensions, discard });

  const open = async (generation: number, discard: boolean): Promise<IndexGeneration> => {
    const table = await openLmdbDocumentTable({ folder: join(folderOf(generation), 'table'), discard });
    // A table that began empty explains no row: what the vectors hold would be found by nobody and never removed.
    const empty = discard || table.fresh !== undefined;
    if (table.fresh !== undefined && table.fresh !== 'new' && table.fresh !== 'asked')
      settings.onDiscarded(`the document table was ${table.fresh}`);
    try {
      const index = await openVectors(generation, empty);
      return { table, index };
    } catch (error) {
      await table.close();
      throw error;
    }
  };

  const openOrDiscard = async (generation: number): Promise<IndexGeneration> => {
    try {
      return await open(generation, false);
    } catch (error) {
      if (!hasCode(error, 'index-corrupt')) throw error;
      settings.onDiscarded(error.message);
      return open(generation, true);
    }
  };

  const close = async ({ table, index }: IndexGeneration, forGood = false): Promise<void> => {
    try {
      await index.close({ forGood });
    } finally {
      await table.close();
    }
  };

  const remove = async (generation: IndexGeneration, its: string): Promise<void> => {
    try {
      if (kind.remote) await generation.index.clear();
    } finally {
      await close(generation, true).finally(() => rm(its, { recursive: true, force: true }));
    }
  };

  /** Throws where it is not named. The failure where it is, but perhaps not on disk. */
  const nameServing = (generation: number): Error | undefined => {
    try {
      replaceDurably(currentFile, String(generation));
      return undefined;
    } catch (thrown) {
      if (named() !== generation) throw thrown;
      return toError(thrown);
    }
  };

  for (const name of readdirSync(folder)) {
    if (name.startsWith('generation-') && name !== `generation-${number}`)
      rmSync(join(folder, name), { recursive: true, force: true });
  }
  // What others hold elsewhere may have outlived a crash right after they were replaced, a rebuild that was killed, or this disk.
  for (const other of await kind.generations())
    if (other !== number) await (await openVectors(other, true)).close();
  // Damage that was met while it served: a record that fails its checksum.
  const condemned = join(folder, CONDEMNED);
  if (existsSync(condemned)) settings.onDiscarded(readFileSync(condemned, 'utf8'));
  let serving = existsSync(condemned) ? await open(number, true) : await openOrDiscard(number);
  // Only now: killed in between, it is discarded again.
  rmSync(condemned, { force: true });
  let next = number;
  const users = new Map<IndexGeneration, number>();
  const using = async <T>(action: (generation: IndexGeneration) => Promise<T>): Promise<T> => {
    const generation = serving;
    users.set(generation, (users.get(generation) ?? 0) + 1);
    try {
      return await action(generation);
    } finally {
      users.set(generation, (users.get(generation) ?? 1) - 1);
    }
  };
  const unused = async (generation: IndexGeneration): Promise<void> => {
    while ((users.get(generation) ?? 0) > 0) await sleep(5);
    users.delete(generation);
  };
  const leaving = new Set<Promise<void>>();
  const leave = (action: () => Promise<void>): void => {
    const left = action()
      .catch((thrown: unknown) => settings.onLeftBehind?.(toError(thrown)))
      .finally(() => leaving.delete(left));
    leaving.add(left);
  };
  return {
    serving: () => serving,
    using,
    openNext: () => {
      next = number + 1;
      rmSync(folderOf(next), { recursive: true, force: true });
      return open(next, true);
    },
    replace: async (generation) => {
      await generation.table.flushed();
      flushFolder(folderOf(next));
      const unsure = nameServing(next);
      const old = serving;
      const oldFolder = folderOf(number);
      serving = generation;
      number = next;
      // The next one serves, whatever becomes of this one; which goes only once that is on disk.
      leave(async () => {
        await unused(old);
        await (unsure ? close(old) : remove(old, oldFolder));
      });
      if (unsure) settings.onLeftBehind?.(unsure);
    },
    discard: async (generation) => {
      if (generation !== serving) await remove(generation, folderOf(next));
    },
    condemn: (reason) => writeFileSync(condemned, reason),
    close: async () => {
      try {
        await close(serving);
      } finally {
        await Promise.all(leaving);
      }
    },
  };
};
