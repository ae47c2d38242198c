import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { addResetCommand } from '../../cli/commands/reset.ts';
import { serverFolderOf } from '../../cli/run-file.ts';
import { startServers } from '../../cli/start/start-servers.ts';
import { lockStack } from '../../connectors/stack/stack-lock.ts';
import { parseConfig } from '../../schemas/config.ts';
import { runCommand } from '../support/run-command.ts';

let root: string;
let data: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-reset-'));
  data = join(serverFolderOf(root), 'kafka');
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'log'), 'x');
});
afterEach(() => rmSync(root, { recursive: true }));

const reset = () => runCommand(addResetCommand, undefined, ['reset'], root);

test('data that nobody uses is forgotten', async () => {
  await reset();
  expect(existsSync(join(root, '.freshet'))).toBe(false);
});

test('data of servers that start or stop is kept, though there is no run file then', async () => {
  const lock = await lockStack(serverFolderOf(root));
  await expect(reset()).rejects.toMatchObject({ code: 'already-running' });
  expect(existsSync(join(data, 'log'))).toBe(true);
  await lock.release();
  await reset();
  expect(existsSync(data)).toBe(false);
});

test('servers that somebody else runs hold the folder as long', async () => {
  const servers = await startServers({
    root,
    cacheDirectory: root,
    config: parseConfig({ sources: {}, agents: [] }),
    environment: { FRESHET_POSTGRES_PASSWORD: 'x', FRESHET_MODELS: root },
    place: 'running',
    freePorts: false,
    progress: { line: () => undefined, seconds: () => '' },
    signal: new AbortController().signal,
    onFailure: () => undefined,
  });
  await expect(reset()).rejects.toMatchObject({ code: 'already-running' });
  await servers.stop();
  await reset();
  expect(existsSync(data)).toBe(false);
});
