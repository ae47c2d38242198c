import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { mayBeSameProcess, processIdentity } from './process-identity.ts';

const ownerSchema = z.object({ pid: z.number().int(), identity: z.string() });

export type OwnerLock = { readonly release: () => Promise<void> };

/**
 * Takes a lock file for this process, or returns the pid of the living process that holds it. A lock whose owner died, by
 * kill -9 or with the machine, is taken over.
 */
export const tryLock = async (file: string): Promise<OwnerLock | { readonly heldBy: number }> => {
  const claim = `${file}.${randomUUID()}`;
  const identity = processIdentity(process.pid) ?? '';
  const writeClaim = async (): Promise<void> => {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(claim, JSON.stringify({ pid: process.pid, identity }));
  };
  // Once more: a reset that ends just now may remove the folder before anything is in it.
  await writeClaim().catch(writeClaim);
  try {
    for (;;) {
      // A link appears whole or not at all, so nobody ever reads a lock without its owner.
      if (await linked(claim, file)) return held(file);
      const owner = await readOwner(file);
      if (owner !== undefined && mayBeSameProcess(owner.pid, owner.identity)) return { heldBy: owner.pid };
      await moveAway(file);
    }
  } finally {
    await rm(claim, { force: true });
  }
};

const held = (file: string): OwnerLock => {
  let released: Promise<void> | undefined;
  return {
    release: () => {
      // Only once: by the second time, the file may be another's.
      released ??= rm(file, { force: true });
      return released;
    },
  };
};

const linked = async (claim: string, file: string): Promise<boolean> => {
  try {
    await link(claim, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
};

const readOwner = async (file: string): Promise<z.infer<typeof ownerSchema> | undefined> => {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
};

const moveAway = async (file: string): Promise<void> => {
  const moved = `${file}.${randomUUID()}.stale`;
  try {
    await rename(file, moved);
  } catch {
    return;
  }
  // Between the look and the move, another process may have put its own lock there: give it back.
  const owner = await readOwner(moved);
  const alive = owner !== undefined && mayBeSameProcess(owner.pid, owner.identity);
  if (alive) await linked(moved, file);
  await rm(moved, { force: true });
};
