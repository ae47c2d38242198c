import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { DOCUMENTS_FOLDERS, INDEX_FOLDERS, sweepLanes } from '../../../cli/roles/sweep-lanes.ts';
import { temporaryFolder } from '../../support/plane-roles.ts';

/** Nothing on a disk refuses a test that runs as root. */
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const rm: typeof real.rm = async (path, options) => {
    if (String(path).endsWith('-stuck')) throw new Error('busy');
    await real.rm(path, options);
  };
  return { ...real, rm };
});

const stays = (name: string, error: Error): void => {
  throw new Error(`${name} stays`, { cause: error });
};

test('what lanes that were given up left goes, and nothing else does', async () => {
  const { path: folder, remove } = await temporaryFolder();
  onTestFinished(remove);
  const index = (name: string): void =>
    void mkdirSync(join(folder, name, 'generation-2', 'table'), { recursive: true });
  const documents = (name: string): void => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'table.mdb'), '');
  };
  for (const name of ['index', 'index-kept', 'index-left', 'indexed']) index(name);
  for (const name of ['documents', 'documents-kept', 'documents-left']) documents(name);
  // Somebody else's.
  mkdirSync(join(folder, 'index-notes'));
  mkdirSync(join(folder, 'documents-notes'));
  writeFileSync(join(folder, 'documents-left.lock'), '');

  expect(await sweepLanes({ folder, ...INDEX_FOLDERS }, ['index', 'index-kept'], stays)).toEqual([
    'index-left',
  ]);
  expect(await sweepLanes({ folder, ...DOCUMENTS_FOLDERS }, ['documents-kept'], stays)).toEqual([
    'documents-left',
  ]);
  const before = readdirSync(folder);
  expect(before).toEqual(expect.arrayContaining(['index', 'index-kept', 'indexed', 'index-notes']));
  expect(before).toEqual(expect.arrayContaining(['documents', 'documents-kept', 'documents-notes']));
  // The first model's, once it is given up.
  expect(await sweepLanes({ folder, ...INDEX_FOLDERS }, ['index-kept'], stays)).toEqual(['index']);
});

test('a folder that cannot be removed stays and is told; the others go', async () => {
  const { path: folder, remove } = await temporaryFolder();
  onTestFinished(remove);
  for (const name of ['index-a', 'index-stuck', 'index-z'])
    mkdirSync(join(folder, name, 'generation-1'), { recursive: true });
  const told: string[] = [];
  const removed = await sweepLanes({ folder, ...INDEX_FOLDERS }, [], (name) => told.push(name));
  expect([...removed].sort()).toEqual(['index-a', 'index-z']);
  expect(told).toEqual(['index-stuck']);
});
