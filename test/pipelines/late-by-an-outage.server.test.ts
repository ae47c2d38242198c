/** The index is away while changes come: what it applies once it is back was late, and is told as that. What stood before it began is not. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';
import { bytesOfVector } from '../../connectors/vector-index/vector-codec.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import type { Document } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { makeVersion } from '../../schemas/version.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, temporaryFolder } from '../support/plane-roles.ts';
import { until } from '../support/until.ts';

const SOURCE = `away-${randomUUID().slice(0, 8)}`;
const model = createHashEmbeddingModel();

let plane: DataPlane;
const folders: Awaited<ReturnType<typeof temporaryFolder>>[] = [];
const newFolder = async (): Promise<string> => {
  const folder = await temporaryFolder();
  folders.push(folder);
  return folder.path;
};

beforeAll(async () => {
  plane = await openDataPlane(inject('stack'), SOURCE);
}, 360_000);

afterAll(async () => {
  await plane?.close();
  for (const folder of folders) await folder.remove();
});

const append = async (key: number): Promise<void> => {
  const text = `Medlar ${key}.`;
  const [vector = new Float32Array()] = await model.embed([text]);
  const at = Date.now() * 1_000;
  const record: Document = {
    ...{ kind: 'document', documentId: documentIdOf(SOURCE, 'public.articles', { id: key }), source: SOURCE },
    ...{ table: 'public.articles', version: makeVersion(1, [BigInt(key), 0n]), tenant: 'acme', title: '' },
    ...{ text, metadata: {}, model: model.id },
    chunks: [{ hash: String(key), start: 0, end: text.length, vector: bytesOfVector(vector) }],
    ...{ reason: null, flags: [], stale: null, fingerprint: null, carried: {} },
    timing: { committedAt: at, capturedAt: at, inKafkaAt: at, gatedAt: at, embeddedAt: at, basis: 'commit' },
    change: { topic: `cdc.${SOURCE}`, partition: 0, offset: key },
  };
  const value = plane.codec.encode('Document', record);
  await plane.writer.append([
    { topic: TOPICS.documents.name, partition: key % 2, key: record.documentId, value },
  ]);
};

/** Keys of the documents whose timing an index left. */
const told = async (index: string): Promise<readonly string[]> => {
  const keys: string[] = [];
  await scanTopic(plane.kafka, { topic: TOPICS.freshness.name }, async ({ value }) => {
    const timing = await plane.codec.decode('Timing', value);
    if (timing.index === index && timing.source === SOURCE)
      keys.push(timing.documentId.split('/').at(-1) ?? '');
  });
  return keys.sort();
};

test('changes that came while the index was away are told, late as they are; those before its first start are not', async () => {
  await append(1);
  const folder = await newFolder();
  const name = `${SOURCE}-index`;
  const first = await startIndex(plane, folder, name);
  await until('it is current', () => first.current());
  await append(2);
  await until('the second is told', async () => (await told(name)).length > 0);
  await first.stop();

  await append(3);
  await append(4);
  const second = await startIndex(plane, folder, name);
  await until('it is current again', () => second.current());
  await second.stop();
  expect(await told(name)).toEqual(['2', '3', '4']);

  const other = `${SOURCE}-other`;
  const anew = await startIndex(plane, await newFolder(), other);
  await until('the other is current', () => anew.current());
  await anew.stop();
  expect(await told(other)).toEqual([]);
}, 240_000);
