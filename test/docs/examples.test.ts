/** Every example of the docs that exports a configuration, an agent or a tool loads as it is copied. What stands within functions is the reader's. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { parseConfig } from '../../schemas/config.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = /^```ts\n([\s\S]*?)^```$/gm;

interface Example {
  readonly name: string;
  readonly text: string;
}

const examples: readonly Example[] = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs')).map((file) => `docs/${file}`),
]
  .filter((file) => file.endsWith('.md'))
  .flatMap((file) => {
    const page = readFileSync(join(ROOT, file), 'utf8');
    return [...page.matchAll(EXAMPLE)].map(({ 1: text = '', index }) => ({
      name: `${file}:${page.slice(0, index).split('\n').length}`,
      text,
    }));
  })
  .filter(({ text }) => /^export /m.test(text));

// In the tree, where packages are found.
mkdirSync(join(ROOT, '.freshet'), { recursive: true });
const folder = mkdtempSync(join(ROOT, '.freshet', 'examples-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('there are examples, whole configurations among them', () => {
  expect(examples.length).toBeGreaterThanOrEqual(6);
  expect(examples.filter(({ text }) => text.includes('export default')).length).toBeGreaterThanOrEqual(2);
});

test.each(examples)('$name', async ({ name, text }) => {
  const file = join(folder, `${name.replaceAll(/\W/g, '-')}.ts`);
  writeFileSync(file, text.replaceAll("from './", `from '${pathToFileURL(ROOT).href}`));
  const { default: config, ...others } = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  if (config !== undefined) expect(parseConfig(config)).toHaveProperty('sources');
  else expect(Object.values(others)).not.toEqual([]);
  for (const each of Object.values(others)) expect(each).toHaveProperty('name');
});
