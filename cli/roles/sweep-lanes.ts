import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { toError } from '../../schemas/errors.ts';
import type { RoleContext } from './role-process.ts';

export interface LaneFolders {
  /** Of this copy of a role. */
  readonly folder: string;
  /** What the name of a folder of this kind of lane looks like. */
  readonly named: RegExp;
  /** What lies in one, and in nothing else that is named so. */
  readonly holds: RegExp;
}

export const INDEX_FOLDERS = { named: /^index(?:-.+)?$/, holds: /^generation-\d+$/ } as const;
/** Of the second and later models; that of the first is `documents`. */
export const DOCUMENTS_FOLDERS = { named: /^documents-.+$/, holds: /^table\.mdb$/ } as const;

const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    // A file, or gone.
    return [];
  }
};

/**
 * Removes folders of lanes that are not kept, those too that were given up while this role was down: it would never open them
 * again. What is not certainly such a folder stays. So does one that cannot be removed now: the next sweep tries again.
 */
export const sweepLanes = async (
  { folder, named, holds }: LaneFolders,
  kept: readonly string[],
  onStays: (name: string, error: Error) => void,
): Promise<readonly string[]> => {
  const left = namesIn(folder).filter(
    (name) =>
      named.test(name) &&
      !kept.includes(name) &&
      namesIn(join(folder, name)).some((each) => holds.test(each)),
  );
  const removed: string[] = [];
  for (const name of left) {
    try {
      await rm(join(folder, name), { recursive: true, force: true });
      removed.push(name);
    } catch (thrown) {
      onStays(name, toError(thrown));
    }
  }
  return removed;
};

export const tellStays =
  (log: RoleContext['log']) =>
  (folder: string, err: Error): void =>
    log.warn({ folder, err }, 'a folder of an embedding model that was given up cannot be removed');
