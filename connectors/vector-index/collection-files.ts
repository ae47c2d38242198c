/**
 * Makes and opens the zvec collection of a folder. It is made beside its place and moved there whole, so a crash while
 * it is made or dropped leaves either a whole collection or none. zvec's lock (released by the system with the process
 * that held it, however it died) lets in one process.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ZVecCollection, ZVecCreateAndOpen, ZVecOpen } from '@zvec/zvec';
import { FreshetError } from '../../schemas/errors.ts';
import { checkSeal, noteOpened, noteOpening, sealCollection } from './collection-seal.ts';
import { engineFailure, requireSpace } from './zvec-engine.ts';
import { anchorRow, COLLECTION_NAME, collectionSchema } from './zvec-rows.ts';

const PLACE = 'rows';
const ASIDE = 'rows-aside-';
const REBUILD = '`freshet index rebuild` makes it anew from the log';

const aside = (folder: string): string => join(folder, `${ASIDE}${randomBytes(6).toString('hex')}`);

const removeLeftovers = (folder: string): void => {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(ASIDE)) rmSync(join(folder, name), { recursive: true, force: true });
  }
};

const createCollection = async (folder: string, dimensions: number): Promise<void> => {
  const made = aside(folder);
  try {
    const collection = ZVecCreateAndOpen(made, collectionSchema(dimensions));
    collection.upsertSync(anchorRow(dimensions));
    await collection.optimize({ concurrency: 1 });
    collection.closeSync();
    renameSync(made, join(folder, PLACE));
  } catch (thrown) {
    rmSync(made, { recursive: true, force: true });
    // Another process made one meanwhile: opening it says so.
    if (!existsSync(join(folder, PLACE))) throw engineFailure(thrown, 'making the vector index', folder);
  }
};

const requireShape = (collection: ZVecCollection, dimensions: number, folder: string): void => {
  const held = collection.schema.vector('vector').dimension;
  if (collection.schema.name !== COLLECTION_NAME) {
    throw new FreshetError('index-corrupt', `the vector index in ${folder} is of another format; ${REBUILD}`);
  }
  if (held !== dimensions) {
    throw new FreshetError(
      'config-invalid',
      `the vector index in ${folder} holds ${held} dimensions, the model makes ${dimensions}; ${REBUILD}`,
    );
  }
};

/** What the seal says before zvec sees a file: the damage it would not notice, or would die of. */
const requireSound = async (folder: string): Promise<'sealed' | 'killed'> => {
  const state = await checkSeal(folder, join(folder, PLACE));
  if (state === 'sealed' || state === 'killed') return state;
  const found = {
    damaged: 'a checksum fails',
    torn: 'the machine went down while it was open',
  }[state];
  throw new FreshetError('index-corrupt', `the vector index in ${folder}: ${found}; ${REBUILD}`);
};

/** How a collection was found. `killed`: its last process died, the rows are there, but no checksum vouches for them. */
export type Found = 'new' | 'sealed' | 'killed';

/**
 * Errors: `index-unavailable` where another process holds it, `index-corrupt` where a checksum fails, it cannot be read,
 * or the machine went down while it was open, `disk-full`, `config-invalid` where it holds vectors of another size.
 */
export const openCollection = async (
  folder: string,
  dimensions: number,
): Promise<{ readonly collection: ZVecCollection; readonly found: Found }> => {
  const doing = 'opening the vector index';
  const place = join(folder, PLACE);
  let collection: ZVecCollection | undefined;
  try {
    mkdirSync(folder, { recursive: true });
    requireSpace(folder, doing);
    const found = existsSync(place) ? await requireSound(folder) : 'new';
    noteOpening(folder);
    if (found === 'new') await createCollection(folder, dimensions);
    collection = openNoted(folder, place);
    requireShape(collection, dimensions, folder);
    removeLeftovers(folder);
    return { collection, found };
  } catch (thrown) {
    collection?.closeSync();
    throw engineFailure(thrown, doing, folder, 'index-corrupt');
  }
};

const openNoted = (folder: string, place: string): ZVecCollection => {
  try {
    return ZVecOpen(place);
  } finally {
    noteOpened(folder);
  }
};

/** Closes a collection and vouches for its files. Errors: `index-unavailable`. */
export const closeCollection = async (collection: ZVecCollection, folder: string): Promise<void> => {
  try {
    collection.closeSync();
  } catch (thrown) {
    throw engineFailure(thrown, 'closing the vector index', folder);
  }
  // Without a seal (a full disk) the next opening takes it for one that was killed.
  await sealCollection(folder, join(folder, PLACE)).catch(() => {});
};

/** Drops the rows of a folder unless another process holds them. Errors: `index-unavailable`, `disk-full`. */
export const discardCollection = (folder: string): void => {
  if (!existsSync(join(folder, PLACE))) return;
  try {
    ZVecOpen(join(folder, PLACE)).closeSync();
  } catch (thrown) {
    // Damage is what discarding is for; zvec looks at the lock before all else.
    const failure = engineFailure(thrown, 'dropping the vector index', folder, 'index-corrupt');
    if (failure.code === 'index-unavailable') throw failure;
  }
  dropCollection(folder);
};

/** Drops the rows of a folder, damaged or not, whose collection is closed. Errors: `index-unavailable`, `disk-full`. */
export const dropCollection = (folder: string): void => {
  try {
    if (!existsSync(join(folder, PLACE))) return;
    const dropped = aside(folder);
    renameSync(join(folder, PLACE), dropped);
    rmSync(dropped, { recursive: true, force: true });
  } catch (thrown) {
    throw engineFailure(thrown, 'dropping the vector index', folder);
  }
};
