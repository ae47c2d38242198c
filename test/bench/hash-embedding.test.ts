/** The embedder that the side-by-side benches give to the peers is ours, bit by bit. Needs a peer's Python (docs/benches.md). */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { editedRow } from '../../bench/support/edit-mix.ts';
import { differentlyEmbedded } from '../../bench/support/same-embedder.ts';
import { cacheDirectoryOf } from '../../connectors/stack/cache-directory.ts';

const ODD = [
  '',
  '  \n\t ',
  'a',
  'The return window is 30 days.',
  'Café, naïve, ÅNGSTRÖM; ΣΊΣΥΦΟΣ – «guillemets» … ¿qué?',
  'İstanbul and STRASSE, groß',
  '価格は１２３円です。漢字と仮名',
  'zero\u200bwidth, no\u00a0break, line\u2028separator, \ufeffmark',
  '[CLS] one [SEP] two [MASK] [UNK] [PAD] [cls]',
  'emoji 👩‍👩‍👧 and 🇫🇷, and a very-long-word-'.repeat(3),
  'x'.repeat(200),
];

const cache = cacheDirectoryOf(process.env);
const python = (existsSync(cache) ? readdirSync(cache) : [])
  .filter((name) => name.startsWith('peer-') && existsSync(join(cache, name, 'complete')))
  .map((name) => join(cache, name, 'bin', 'python'))[0];

// The environments of the peers are made by the benches that need them, half a gigabyte: not by a test run.
test.skipIf(python === undefined)('equal vectors on equal texts', async () => {
  const rows = Array.from({ length: 100 }, (_, at) => editedRow(at + 1, at % 7).body);
  const drawn = fc.sample(fc.string({ unit: 'grapheme', maxLength: 200 }), { numRuns: 300, seed: 4 });
  const texts = [...ODD, ...rows, ...drawn];
  expect(await differentlyEmbedded(python ?? '', texts)).toEqual([]);
});
