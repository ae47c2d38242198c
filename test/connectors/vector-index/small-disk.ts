/** A file system of a few megabytes that a test can fill: a tmpfs, where this user may mount one. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly folder: string;
  /** Leaves so many bytes free, at most. */
  fill(bytesLeft: number): void;
  empty(): void;
  unmount(): void;
}

export const mountSmallDisk = (megabytes: number): SmallDisk | undefined => {
  const folder = mkdtempSync(join(tmpdir(), 'freshet-small-disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]).status !== 0) {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  const ballast = join(folder, 'ballast');
  return {
    folder,
    fill(bytesLeft) {
      const file = openSync(ballast, 'a');
      const { bavail, bsize } = statfsSync(folder);
      for (let left = bavail * bsize - bytesLeft; left > 0; left -= 65_536) {
        writeSync(file, Buffer.alloc(Math.min(65_536, left)));
      }
      closeSync(file);
    },
    empty: () => rmSync(ballast, { force: true }),
    unmount() {
      spawnSync('umount', [folder]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
};
