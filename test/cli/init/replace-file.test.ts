import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replaceFile } from '../../../cli/init/replace-file.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'freshet-replace-'));
  file = join(folder, 'freshet.config.ts');
});
afterEach(() => rmSync(folder, { recursive: true }));

const mode = (path: string): number => statSync(path).mode & 0o777;

test('a file with a password is read by its owner alone, though everybody could read the one before', () => {
  writeFileSync(file, '// mine\n');
  chmodSync(file, 0o644);
  writeFileSync(`${file}.new`, 'left by a kill');
  chmodSync(`${file}.new`, 0o644);
  replaceFile(file, 'postgres://me:secret@host/shop');
  expect([readFileSync(file, 'utf8'), mode(file)]).toEqual(['postgres://me:secret@host/shop', 0o600]);
  expect(readdirSync(folder)).toEqual(['freshet.config.ts', 'freshet.config.ts.before']);
});

test('what a person wrote is kept, however often it is replaced', () => {
  expect(replaceFile(file, 'first')).toBeUndefined();
  writeFileSync(file, '// mine\n');
  expect(replaceFile(file, 'second')).toBe(`${file}.before`);
  expect(replaceFile(file, 'third')).toBe(`${file}.before-2`);
  expect(replaceFile(file, 'fourth')).toBe(`${file}.before-3`);
  const texts = ['.before', '.before-2', '.before-3', ''].map((end) => readFileSync(`${file}${end}`, 'utf8'));
  expect(texts).toEqual(['// mine\n', 'second', 'third', 'fourth']);
});
