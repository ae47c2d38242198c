import { expect, test } from 'vitest';
import { propertiesText } from '../../../connectors/stack/servers/server-context.ts';

/** As Java's Properties reads the value of the one line: Latin-1, then its escapes. */
const readByJava = (text: string): string =>
  Buffer.from(text)
    .toString('latin1')
    .replace(/^[^=]*=/, '')
    .trimEnd()
    .replace(/\\u([0-9a-f]{4})|\\(.)/g, (_, unit: string | undefined, letter: string) =>
      unit === undefined ? letter : String.fromCharCode(Number.parseInt(unit, 16)),
    );

test.each([
  '/home/bob/x',
  '/home/Jürgen/größe',
  '/Users/日本/😀',
  'C:\\Users\\Ünal',
  '~ in between',
  '\u007f',
])('Java reads %s as it is', (path) => {
  const text = propertiesText({ 'log.dirs': path });
  expect(text).toMatch(/^log\.dirs=[\0-~]*\n$/);
  expect(readByJava(text)).toBe(path);
});
