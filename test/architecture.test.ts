/** Holds the layout of DESIGN.md: who may import whom, where a library is named, what no file does. */
import { describe, expect, test } from 'vitest';
import packageFile from '../package.json' with { type: 'json' };
import { faultsOf, importsOf, NAMED_IN, type SourceFile } from './support/architecture-rules.ts';
import { circlesOf } from './support/import-circles.ts';
import { readSourceTree } from './support/source-tree.ts';

const WORTH_A_LOOK = 300;

const tree = readSourceTree();

test('the tree keeps its rules', () => {
  expect(tree.length).toBeGreaterThan(100);
  expect(faultsOf(tree)).toEqual([]);
});

test('no files import each other in a circle', () => {
  expect(circlesOf(tree)).toEqual([]);
});

test('every dependency has its place, and none is kept that nothing names', () => {
  expect(Object.keys(NAMED_IN)).toEqual(expect.arrayContaining(Object.keys(packageFile.dependencies)));
});

test('files over 300 lines are shown', () => {
  const long = tree
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > WORTH_A_LOOK)
    .map(({ path, lines }) => `${lines} lines: ${path}`);
  if (long.length > 0) console.log(long.sort().reverse().join('\n'));
});

describe('the check itself finds', () => {
  const planted = (path: string, text: string): readonly string[] => faultsOf([{ path, text }]);

  test.each([
    [
      'schemas importing a connector',
      'schemas/a.ts',
      "import { a } from '../connectors/kafka/kafka.ts';",
      /schemas must not import connectors/,
    ],
    [
      'a connector importing a pipeline',
      'connectors/kafka/a.ts',
      "import type { A } from '../../pipelines/a.ts';",
      /connectors must not import pipelines/,
    ],
    [
      'a pipeline importing an agent',
      'pipelines/a/b.ts',
      "export { a } from '../../agents/a.ts';",
      /pipelines must not import agents/,
    ],
    [
      'an agent importing a pipeline, over lines',
      'agents/a.ts',
      "import {\n  a,\n  b,\n} from '../pipelines/a.ts';",
      /agents must not import pipelines/,
    ],
    [
      'an agent loading a pipeline later',
      'agents/a.ts',
      "await import('../pipelines/a.ts');",
      /agents must not import pipelines/,
    ],
    [
      'the gateway importing the command',
      'gateway/a.ts',
      "import '../cli/main.ts';",
      /gateway must not import cli/,
    ],
    [
      'product code importing tests',
      'cli/a.ts',
      "import { a } from '../test/a.ts';",
      /cli must not import test/,
    ],
    [
      'kafkajs beside its adapter',
      'connectors/kafka/scan.ts',
      "import { Kafka } from 'kafkajs';",
      /kafkajs may be named only in/,
    ],
    [
      'a part of a library',
      'gateway/a.ts',
      "import x from '@confluentinc/schemaregistry/dist/x.js';",
      /schemaregistry may be named only in/,
    ],
    ['pg in a pipeline', 'pipelines/a.ts', "import pg from 'pg';", /pg may be named only in/],
    [
      'a library without an adapter',
      'pipelines/a.ts',
      "import x from 'left-pad';",
      /left-pad has no adapter/,
    ],
    [
      'a library required',
      'pipelines/a.ts',
      "createRequire(x); require('lmdb');",
      /lmdb may be named only in/,
    ],
    ['the environment in a connector', 'connectors/a.ts', 'const home = process.env.HOME;', /process\.env/],
    ['a default export', 'connectors/a.ts', 'export default class A {}', /no default exports/],
    ['any', 'connectors/a.ts', 'const a = b as any;', /no any/],
    ['any in a list', 'connectors/a.ts', 'let a: readonly any[];', /no any/],
    ['signals joined for good', 'agents/a.ts', `AbortSignal${'.'}any([a, b]);`, /joined by linkSignals/],
    ['a rule switched off', 'connectors/a.ts', `${'//'} @ts-ignore\nconst a = 1;`, /switched off/],
    ['a file too long', 'connectors/a.ts', 'a();\n'.repeat(501), /501 lines, at most 500/],
    ['a name that says nothing', 'connectors/kafka/kafka-utils.ts', '', /says nothing/],
  ])('%s', (_, path, text, fault) => {
    expect(planted(path, text)).toEqual([expect.stringMatching(fault)]);
  });

  test('and lets pass what is allowed', () => {
    expect(
      faultsOf([
        {
          path: 'pipelines/a/b.ts',
          text: "import { a } from '../../connectors/a.ts';\nimport { z } from 'zod';",
        },
        {
          path: 'gateway/a.ts',
          text: "import { a } from '../agents/a.ts';\nimport { b } from '../pipelines/b.ts';",
        },
        { path: 'cli/a.ts', text: 'const { a } = process.env;' },
        {
          path: 'connectors/a.ts',
          text: "// not kafkajs: import x from 'kafkajs'\n/** any of process.env */\nconst many = 'as any';",
        },
        { path: 'freshet.config.ts', text: 'export default {};' },
        { path: 'connectors/a.ts', text: 'a();\n'.repeat(500) },
      ]),
    ).toEqual([]);
  });

  test('circles of imports, types included, and nothing else', () => {
    const file = (path: string, ...targets: string[]): SourceFile => ({
      path,
      text: targets.map((target) => `import type { A } from '${target}';`).join('\n'),
    });
    const chain = [file('a/a.ts', './b.ts'), file('a/b.ts', '../c/c.ts', 'zod'), file('c/c.ts', './none.ts')];
    expect(circlesOf([...chain, file('d.ts', './a/a.ts', './c/c.ts')])).toEqual([]);
    expect(circlesOf([...chain.slice(0, 2), file('c/c.ts', '../a/a.ts'), file('d.ts', './a/a.ts')])).toEqual([
      ['a/a.ts', 'a/b.ts', 'c/c.ts'],
    ]);
  });

  test('imports in whatever form', () => {
    expect(
      importsOf(`import a from 'a';
import type { B } from "b";
import * as c from 'c';
export * from 'd';
import 'e';
const f = await import('f');
type G = import('g').G;
// import h from 'h';`),
    ).toEqual(expect.arrayContaining(['a', 'b', 'c', 'd', 'e', 'f', 'g']));
  });
});
