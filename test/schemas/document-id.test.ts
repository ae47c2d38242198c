import fc from 'fast-check';
import { expect, test } from 'vitest';
import { documentIdOf, floorIdOf, type KeyValue, tablePrefixOf } from '../../schemas/document-id.ts';

const awkward = fc.constantFrom(
  '/',
  ',',
  '%',
  '%2F',
  '%2C',
  '',
  ' ',
  '\n',
  '\0',
  'ä',
  '鍵',
  '🔑',
  "'",
  '(',
  '*',
);
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.array(awkward, { maxLength: 5 }).map((parts) => parts.join('')),
);
const value: fc.Arbitrary<KeyValue> = fc.oneof(text, fc.bigInt(), fc.boolean());
/** Values of one column are of one type, so its texts tell them apart. */
const key = fc.dictionary(text, value, { minKeys: 1, maxKeys: 3 });
const textOf = (key: Readonly<Record<string, KeyValue>>): string =>
  JSON.stringify(
    Object.keys(key)
      .sort()
      .map((column) => String(key[column])),
  );

test('two rows never share an id, whatever their names and keys contain', () => {
  fc.assert(
    fc.property(text, text, key, text, text, key, (sourceA, tableA, keyA, sourceB, tableB, keyB) => {
      const same = sourceA === sourceB && tableA === tableB && textOf(keyA) === textOf(keyB);
      expect(documentIdOf(sourceA, tableA, keyA) === documentIdOf(sourceB, tableB, keyB)).toBe(same);
    }),
    { numRuns: 2_000 },
  );
});

test('composite keys stay apart where their values move over a separator', () => {
  const ids = [
    { a: 'x,y', b: 'z' },
    { a: 'x', b: 'y,z' },
    { a: 'x%2Cy', b: 'z' },
    { a: '', b: 'x,y,z' },
  ].map((each) => documentIdOf('s', 'public.t', each));
  expect(new Set(ids).size).toBe(ids.length);
});

test('the order in which the columns of a key come does not matter', () => {
  expect(documentIdOf('s', 't', { a: 1, b: 2 })).toBe(documentIdOf('s', 't', { b: 2, a: 1 }));
});

test('a key above 2^53 keeps every digit', () => {
  expect(documentIdOf('s', 't', { id: 9007199254740993n })).toBe('s/t/9007199254740993');
});

test('an id is printable: no white space, quotes or control characters', () => {
  fc.assert(
    fc.property(text, text, key, (source, table, each) => {
      expect(documentIdOf(source, table, each)).toMatch(/^[A-Za-z0-9\-_.~%,/]+$/);
    }),
  );
});

test('a lone surrogate cannot be named', () => {
  expect(() => documentIdOf('s', 't', { id: '\ud800' })).toThrow(URIError);
  expect(() => documentIdOf('s', 't', { id: 'a\udc00b' })).toThrow(URIError);
  expect(() => documentIdOf('s', 't', {})).toThrow(URIError);
});

test("a table's prefix begins the ids of its documents and of no others; a floor is apart from all", () => {
  fc.assert(
    fc.property(text, text, text, text, key, (sourceA, tableA, sourceB, tableB, each) => {
      const id = documentIdOf(sourceA, tableA, each);
      expect(id.startsWith(tablePrefixOf(sourceB, tableB))).toBe(sourceA === sourceB && tableA === tableB);
      if (sourceB !== '') expect(id.startsWith(floorIdOf(sourceB, tableB))).toBe(false);
    }),
    { numRuns: 500 },
  );
});
