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
import { engineFailure } from './zvec-engine.ts';
import { COLLECTION_NAME, collectionSchema } from './zvec-rows.ts';

const PLACE = 'rows';
const ASIDE = 'rows-aside-';

const aside = (folder: string): string => join(folder, `${ASIDE}${randomBytes(6).toString('hex')}`);

const removeLeftovers = (folder: string): void => {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(ASIDE)) rmSync(join(folder, name), { recursive: true, force: true });
  }
};

const createCollection = (folder: string, dimensions: number): void => {
  const made = aside(folder);
  try {
    ZVecCreateAndOpen(made, collectionSchema(dimensions)).closeSync();
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
    throw new FreshetError(
      'index-corrupt',
      `the vector index in ${folder} is of another format; run \`freshet index rebuild\``,
    );
  }
  if (held !== dimensions) {
    throw new FreshetError(
      'config-invalid',
      `the vector index in ${folder} holds ${held} dimensions, the model makes ${dimensions}; run \`freshet index rebuild\``,
    );
  }
};

/**
 * Errors: `index-unavailable` where another process holds it, `index-corrupt` where it cannot be read, `disk-full`,
 * `config-invalid` where it holds vectors of another size.
 */
export const openCollection = (folder: string, dimensions: number): ZVecCollection => {
  mkdirSync(folder, { recursive: true });
  const place = join(folder, PLACE);
  if (!existsSync(place)) createCollection(folder, dimensions);
  let collection: ZVecCollection | undefined;
  try {
    collection = ZVecOpen(place);
    requireShape(collection, dimensions, folder);
    removeLeftovers(folder);
    return collection;
  } catch (thrown) {
    collection?.closeSync();
    throw engineFailure(thrown, 'opening the vector index', folder, 'index-corrupt');
  }
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
