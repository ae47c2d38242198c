import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { addResetCommand } from '../../cli/commands/reset.ts';
import { serverFolderOf } from '../../cli/run-file.ts';
import { startServers } from '../../cli/start/start-servers.ts';
import type * as stackLock from '../../connectors/stack/stack-lock.ts';
import { lockStack, STACK_LOCK } from '../../connectors/stack/stack-lock.ts';
import { parseConfig } from '../../schemas/config.ts';
import { runCommand } from '../support/run-command.ts';

const release = vi.hoisted(() => ({ before: (): void => undefined, after: (): void => undefined }));
vi.mock('../../connectors/stack/stack-lock.ts', async (original) => {
  const real = await original<typeof stackLock>();
  return {
    ...real,
    lockStack: async (folder: string) => {
      const lock = await real.lockStack(folder);
      return {
        release: async () => {
          release.before();
          await lock.release();
          release.after();
        },
      };
    },
  };
});

let root: string;
let data: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'freshet-reset-'));
  data = join(serverFolderOf(root), 'kafka');
  mkdirSync(data, { recursive: true });
  writeFileSync(join(data, 'log'), 'x');
});
afterEach(() => {
  Object.assign(release, { before: () => undefined, after: () => undefined });
  rmSync(root, { recursive: true });
});

const reset = (...options: readonly string[]) =>
  runCommand(addResetCommand, undefined, ['reset', ...options], root);

test('data that nobody uses is forgotten', async () => {
  await reset();
  expect(existsSync(join(root, '.freshet'))).toBe(false);
});

test('a dry run names what would go, and nothing of it goes', async () => {
  const { stdout } = await reset('--dry-run', '--json');
  expect(JSON.parse(stdout)).toEqual({ dryRun: true, paths: [data], stays: [] });
  expect(existsSync(join(data, 'log'))).toBe(true);
  expect(JSON.parse((await reset('--json')).stdout)).toEqual({ dryRun: false, paths: [data], stays: [] });
  expect((await reset('--dry-run')).stdout).toContain('nothing is held here');
});

test('where Docker is not there, all but its volumes is forgotten, and they are named', async () => {
  const mark = join(serverFolderOf(root), 'docker');
  writeFileSync(mark, '');
  await expect(reset()).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/^Docker still keeps the volumes freshet-[0-9a-f]{8}_\*: /),
  });
  expect([existsSync(data), existsSync(mark)]).toEqual([false, true]);
});

test('what stays in databases of others is named, with what removes it', async () => {
  const source = (url: string) => `{ kind: 'postgres', url: '${url}', tables: {} }`;
  writeFileSync(
    join(root, 'freshet.config.ts'),
    `export default { agents: [], sources: { shop: ${source('postgres://a:secret@db/shop')}, own: ${source('sample')} } };`,
  );
  const dropped = "SELECT pg_drop_replication_slot('freshet_shop');";
  const dry = await reset('--dry-run');
  expect(dry.stdout).toContain(dropped);
  expect(dry.stdout).toContain('DROP PUBLICATION freshet_shop;');
  expect(dry.stdout).not.toMatch(/secret|_own/);
  const { stays } = JSON.parse((await reset('--dry-run', '--json')).stdout);
  expect(stays).toMatchObject([
    { source: 'shop', remove: expect.arrayContaining([expect.stringContaining(dropped)]) },
  ]);
  expect((await reset()).stderr).toContain(dropped);
});

test('a configuration that cannot be read keeps nobody from a reset', async () => {
  writeFileSync(join(root, 'freshet.config.ts'), 'throw new Error("out of order");');
  expect(JSON.parse((await reset('--dry-run', '--json')).stdout).stays).toBeNull();
  expect((await reset()).stderr).toContain('out of order');
  expect(existsSync(data)).toBe(false);
});

test('the folder is locked until all of its data is gone', async () => {
  writeFileSync(join(root, '.freshet', 'run.json'), '{}');
  let left: readonly unknown[] = [];
  release.before = () => {
    left = readdirSync(join(root, '.freshet'), { recursive: true });
  };
  await reset();
  expect(left).toEqual(['data', join('data', 'servers'), join('data', 'servers', STACK_LOCK)]);
});

test('whoever takes the folder right after keeps it', async () => {
  const file = join(serverFolderOf(root), STACK_LOCK);
  release.after = () => writeFileSync(file, 'another');
  await reset();
  expect(existsSync(file)).toBe(true);
});

test('whoever tries to take the folder meanwhile keeps its claim', async () => {
  const claim = join(serverFolderOf(root), `${STACK_LOCK}.claim`);
  writeFileSync(claim, '');
  await reset();
  expect(readdirSync(serverFolderOf(root))).toEqual([`${STACK_LOCK}.claim`]);
});

test('data of servers that start or stop is kept, though there is no run file then', async () => {
  const lock = await lockStack(serverFolderOf(root));
  await expect(reset()).rejects.toMatchObject({ code: 'already-running' });
  expect(existsSync(join(data, 'log'))).toBe(true);
  await lock.release();
  await reset();
  expect(existsSync(data)).toBe(false);
});

test('data of a run of the release before is kept while its pid lives, and it is said what to do if that is another program', async () => {
  const file = join(root, '.freshet', 'run.json');
  writeFileSync(file, JSON.stringify({ pid: process.ppid }));
  await expect(reset()).rejects.toThrow(`delete ${file}`);
  expect(existsSync(join(data, 'log'))).toBe(true);
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
