import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DOCUMENTS_FOLDERS, INDEX_FOLDERS, sweepLanes } from '../../../cli/roles/sweep-lanes.ts';
import { temporaryFolder } from '../../support/plane-roles.ts';

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

  expect(await sweepLanes({ folder, ...INDEX_FOLDERS }, ['index', 'index-kept'])).toEqual(['index-left']);
  expect(await sweepLanes({ folder, ...DOCUMENTS_FOLDERS }, ['documents-kept'])).toEqual(['documents-left']);
  const before = readdirSync(folder);
  expect(before).toEqual(expect.arrayContaining(['index', 'index-kept', 'indexed', 'index-notes']));
  expect(before).toEqual(expect.arrayContaining(['documents', 'documents-kept', 'documents-notes']));
  // The first model's, once it is given up.
  expect(await sweepLanes({ folder, ...INDEX_FOLDERS }, ['index-kept'])).toEqual(['index']);
});
