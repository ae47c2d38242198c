import { expect, test } from 'vitest';
import { decodeDocuments } from '../../../pipelines/decode-documents.ts';
import type { Document } from '../../../schemas/records.ts';
import { holding, outcomesOf, prepareSettings, upsertAt } from './changes.ts';

const FIRST = 'The first part stays as it is. '.repeat(6);
const twoParts = (second: string): string => `${FIRST}\n# Two\n${second.repeat(6)}`;

const recordOf = async (version: number, body: string, before: readonly Document[], embeds: boolean) => {
  const held = holding(...before);
  const [outcome] = await outcomesOf(prepareSettings(), [upsertAt(version, { body })], held, {
    embeds: () => embeds,
  });
  if (outcome?.kind !== 'append') throw new Error(`not appended but ${outcome?.kind}`);
  return outcome.record;
};

test('an edit of a part, once models are embedded with behind the log, is a record that every index takes', async () => {
  const before = await recordOf(5, twoParts('The second part as it was. '), [], true);
  expect(before.chunks.length).toBeGreaterThan(1);
  expect(before.chunks.every(({ vector }) => vector.byteLength > 0)).toBe(true);
  const edited = await recordOf(6, twoParts('The second part as it is now. '), [before], false);
  expect(edited.text).toContain('as it is now');
  expect(edited.chunks.map(({ vector }) => vector.byteLength)).toEqual(edited.chunks.map(() => 0));
  const record = { topic: 't', partition: 0, offset: 1, timestamp: 0, key: null, headers: {} };
  const codec = { decode: async () => edited as never };
  expect(await decodeDocuments(codec, [{ ...record, value: Buffer.alloc(1) }])).toHaveLength(1);
});
