import { expect, test } from 'vitest';
import { EmbeddingCache } from '../../../connectors/models/embedding/embedding-cache.ts';
import { decodeDocuments } from '../../../pipelines/decode-documents.ts';
import { embedDocuments } from '../../../pipelines/index-documents/embed-documents.ts';
import { prepareChanges } from '../../../pipelines/index-documents/prepare-changes.ts';
import type { Document } from '../../../schemas/records.ts';
import { holding, model, prepareSettings, toPrepare, upsertAt } from './changes.ts';

const FIRST = 'The first part stays as it is. '.repeat(6);
const twoParts = (second: string): string => `${FIRST}\n# Two\n${second.repeat(6)}`;

const recordOf = async (version: number, body: string, before: readonly Document[], embeds: boolean) => {
  const prepared = await prepareChanges(
    prepareSettings(),
    holding(...before),
    toPrepare([upsertAt(version, { body })]),
  );
  const embedding = new EmbeddingCache({ model, maxBytes: 1e6 });
  const [outcome] = await embedDocuments(
    { embedding, model, clock: () => 8, embeds: () => embeds },
    prepared,
  );
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
