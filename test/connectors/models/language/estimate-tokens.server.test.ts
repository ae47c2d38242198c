import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, inject, test } from 'vitest';
import { createWordPieceTokenizer } from '../../../../connectors/models/embedding/word-piece-tokenizer.ts';
import { estimateTokens } from '../../../../connectors/models/language/estimate-tokens.ts';

test('the bound is never below what a real vocabulary makes of the text', async () => {
  const json = await readFile(join(inject('stack').modelDirectory, 'tokenizer.json'), 'utf8');
  const tokenizer = createWordPieceTokenizer(json);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (system, content) => {
      const { inputTokens } = estimateTokens({
        system,
        messages: [{ role: 'user', content }],
        maxOutputTokens: 1,
      });
      expect(inputTokens).toBeGreaterThanOrEqual(
        tokenizer.countTokens(system) + tokenizer.countTokens(content),
      );
    }),
  );
});
