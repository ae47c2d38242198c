/** What is said where Docker, or what tells of servers that somebody else runs, is missing. No Docker is asked here. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createProgress } from '../../cli/progress.ts';
import { type ServerPlace, startServers } from '../../cli/start/start-servers.ts';
import { defineConfig } from '../../schemas/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'freshet-docker-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (place: ServerPlace) =>
  startServers({
    root: folder,
    cacheDirectory: folder,
    config: defineConfig({ sources: {}, agents: [] }) as never,
    environment: { PATH: folder },
    place,
    freePorts: false,
    progress: createProgress(() => undefined),
    signal: new AbortController().signal,
    onFailure: () => undefined,
  });

test('--docker without Docker is one line that says what to install', async () => {
  await expect(start('docker')).rejects.toMatchObject({
    code: 'prerequisite-missing',
    message: expect.stringContaining('install Docker'),
  });
});

test('servers that somebody else runs need their password named', async () => {
  await expect(start('running')).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining('FRESHET_POSTGRES_PASSWORD'),
  });
});
