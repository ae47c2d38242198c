import { expect, test } from 'vitest';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { bytesOfVector } from '../../connectors/vector-index/vector-codec.ts';
import { decodeDocuments } from '../../pipelines/decode-documents.ts';
import type { Document } from '../../schemas/records.ts';
import { recordOf } from './document-histories.ts';

const RECORD = {
  ...{ topic: 'freshet.documents', partition: 0, offset: 7, timestamp: 0, key: null },
  value: Buffer.from('encoded'),
  headers: {},
} satisfies KafkaRecord;

const read = async (vectors: readonly Buffer[]): Promise<number> => {
  const document: Document = {
    ...recordOf({ kind: 'document', table: 'public.a', key: 1 }, 1),
    chunks: vectors.map((vector, at) => ({ hash: String(at), start: 0, end: 1, vector })),
  };
  const decode = (() => Promise.resolve(document)) as unknown as Parameters<
    typeof decodeDocuments
  >[0]['decode'];
  return (await decodeDocuments({ decode }, [RECORD])).length;
};
const good = bytesOfVector(Float32Array.of(0.6, 0.8));
const none = Buffer.alloc(0);

test('a document with vectors is one, and so is one that is embedded behind this log, and a marker', async () => {
  expect(await read([good, good])).toBe(1);
  expect(await read([none, none])).toBe(1);
  expect(await read([])).toBe(1);
});

test.each([
  ['of different sizes', [good, none]],
  ['of half a number', [Buffer.alloc(7, 1)]],
  ['of zeros', [Buffer.alloc(8)]],
  ['that are no numbers', [Buffer.alloc(8, 0xff)]],
])('one with vectors %s is passed over', async (_, vectors) => {
  expect(await read(vectors)).toBe(0);
});
