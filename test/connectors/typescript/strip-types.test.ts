import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RUN_TYPESCRIPT } from '../../../connectors/typescript/run-typescript.ts';
import { stripTypes } from '../../../connectors/typescript/strip-types.mjs';
import { ROOT, readSourceTree } from '../../support/source-tree.ts';

const PROGRAMS = 'test/connectors/typescript/programs/';
const SOURCES = readSourceTree().filter(({ path }) => path.endsWith('.ts') && !path.startsWith(PROGRAMS));
const lengthsOf = (text: string | undefined) => text?.split('\n').map(({ length }) => length);
const run = (name: string) =>
  spawnSync(process.execPath, [...RUN_TYPESCRIPT, `${ROOT}${PROGRAMS}${name}.ts`], { encoding: 'utf8' });

test('every source runs without its types, each character where it stood', () => {
  expect(SOURCES.length).toBeGreaterThan(500);
  for (const { path, text } of SOURCES) expect(lengthsOf(stripTypes(text)), path).toEqual(lengthsOf(text));
});

test('a function is made without a call that keeps its name', () => {
  expect(run('without-names').stdout).toBe('false\n');
});

test.each([
  ['more-than-types', 'red\n'],
  ['decorated', 'Place\nred\n'],
])('%s, as a configuration or an agent in a clone may be, runs all the same', (name, said) => {
  expect(stripTypes(readFileSync(`${ROOT}${PROGRAMS}${name}.ts`, 'utf8'))).toBeUndefined();
  const { stdout, stderr } = run(name);
  expect(stdout, stderr).toBe(said);
});

test('what a relative specifier leaves out is found', () => {
  const { stdout, stderr } = run('spelled-otherwise');
  expect(stdout, stderr).toBe('name folder name\n');
});

test('a file outside of Freshet, in a package that names no type, is a module all the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'freshet-typescript-'));
  try {
    await writeFile(join(folder, 'package.json'), '{"name": "shop"}');
    // An interface that is imported without the word `type`, as a project without verbatimModuleSyntax may.
    await writeFile(join(folder, 'rows.ts'), 'export interface Row {}\nexport enum Kind { Row = "row" }\n');
    await writeFile(
      join(folder, 'shop.ts'),
      "import { Kind, Row } from './rows';\nexport type Rows = Row[];\nconsole.log(Kind.Row as string);\n",
    );
    const { stdout, stderr } = spawnSync(process.execPath, [...RUN_TYPESCRIPT, join(folder, 'shop.ts')], {
      encoding: 'utf8',
    });
    expect(stdout, stderr).toBe('row\n');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('an error bears the line and column of the source', () => {
  expect(run('failing').stderr).toContain('failing.ts:7:7');
});
