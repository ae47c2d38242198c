import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DOCUMENTS_FOLDERS, INDEX_FOLDERS, sweepLanes } from '../../../cli/roles/sweep-lanes.ts';
import { temporaryFolder } from '../../support/plane-roles.ts';

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
  const place = (name: string): string => join(folder, name, 'generation-1');
  for (const name of ['index-a', 'index-stuck', 'index-z']) mkdirSync(place(name), { recursive: true });
  // Nothing on a disk refuses a test that runs as root; a path longer than the system takes does.
  const deep = join(...Array<string>(15).fill('x'.repeat(200)));
  for (const each of [place('index-stuck'), join(folder, 'other')])
    mkdirSync(join(each, deep), { recursive: true });
  const moved = join(place('index-stuck'), deep, 'other');
  renameSync(join(folder, 'other'), moved);
  onTestFinished(async () => {
    renameSync(moved, join(folder, 'other'));
    await remove();
  });
  const told: string[] = [];
  const removed = await sweepLanes({ folder, ...INDEX_FOLDERS }, [], (name) => told.push(name));
  expect([...removed].sort()).toEqual(['index-a', 'index-z']);
  expect(told).toEqual(['index-stuck']);
});
