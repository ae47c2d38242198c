import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findRedis } from '../../../connectors/stack/find-commands.ts';
import { ensurePrerequisites } from '../../../connectors/stack/prerequisites.ts';

const SAME_FILE = '/usr/bin/redis-check-rdb';

test.runIf(existsSync(SAME_FILE))("Debian's redis-tools holds the server, under another name", async () => {
  const directory = await mkdtemp(join(tmpdir(), 'find-redis-'));
  try {
    await symlink(SAME_FILE, join(directory, 'redis-check-rdb'));
    expect(await findRedis({ PATH: directory })).toEqual({
      command: join(directory, 'redis-check-rdb'),
      argv0: 'redis-server',
    });
    // A checker of another make is none.
    await rm(join(directory, 'redis-check-rdb'));
    await symlink('/bin/true', join(directory, 'redis-check-rdb'));
    expect(await findRedis({ PATH: directory })).toBeUndefined();
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('what is missing is named where nothing could install it', async () => {
  const asked = ensurePrerequisites({
    environment: { PATH: '/nowhere' },
    needed: ['redis', 'maven'],
    onProgress: () => undefined,
  });
  await expect(asked).rejects.toMatchObject({
    code: 'prerequisite-missing',
    message: expect.stringContaining('redis, maven'),
  });
});
