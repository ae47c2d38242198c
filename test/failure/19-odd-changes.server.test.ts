/** Fault 19: changed primary keys, TRUNCATE, null values, deletes without a before image. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilCounted, untilEqual } from '../support/plane-state.ts';
import { until } from '../support/until.ts';

let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  plane = await openDataPlane(inject('stack'), 'odd-changes');
  pipeline = await startPipeline(plane, folder.path);
  index = await startIndex(plane, folder.path);
  await plane.capture();
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await folder?.remove();
});

const id = (key: number): string => documentIdOf('odd-changes', 'public.articles', { id: String(key) });
const documentOf = async (key: number) => (await index.document(id(key)))?.record;
const insert = (key: number, text: string): string =>
  `INSERT INTO articles VALUES (${key}, 'acme', 'Article ${key}', 'a', '${text}');`;
let fence = 9_000;
/** All that was committed before is applied once a row inserted last is there, in whichever partition. */
const settled = async (): Promise<void> => {
  fence += 1;
  await plane.client.query(insert(fence, 'A fence.'));
  await until('applied', async () => (await documentOf(fence))?.kind === 'document');
  await untilEqual(plane, index);
  await untilCounted(plane, pipeline.counts);
  expect([...pipeline.failures, ...index.failures, ...pipeline.retries]).toEqual([]);
};

test('keys that are swapped, reused and moved, in one transaction and in many', async () => {
  await plane.client.query(insert(1, 'First text.') + insert(2, 'Second text.') + insert(3, 'Third text.'));
  await plane.client.query(`BEGIN;
    UPDATE articles SET id = 99 WHERE id = 1; UPDATE articles SET id = 1 WHERE id = 2; UPDATE articles SET id = 2 WHERE id = 99; COMMIT`);
  await plane.client.query('DELETE FROM articles WHERE id = 3');
  await plane.client.query('UPDATE articles SET id = 3 WHERE id = 2');
  await settled();
  expect((await documentOf(1))?.text).toBe('Second text.');
  expect((await documentOf(3))?.text).toBe('First text.');
  // A key that never had a document leaves no trace that equality would wait for.
  for (const gone of [2, 99])
    await until(`a marker of ${gone}`, async () => (await documentOf(gone))?.kind === 'deleted');
});

test('a row deleted and inserted again under its key, in one transaction', async () => {
  await plane.client.query(insert(10, 'Before.'));
  await plane.client.query(`BEGIN; DELETE FROM articles WHERE id = 10; ${insert(10, 'Again.')} COMMIT`);
  await settled();
  expect((await documentOf(10))?.text).toBe('Again.');
});

test('a long text that moves with its key is read from the row: the change brings a placeholder', async () => {
  const long = Array.from({ length: 200 }, (_, at) => `Sentence ${at} of a long text.`).join(' ');
  await plane.client.query(insert(20, long));
  await settled();
  await plane.client.query('UPDATE articles SET id = 21 WHERE id = 20');
  await settled();
  expect((await documentOf(21))?.text).toBe(long);
  expect((await documentOf(20))?.kind).toBe('deleted');
});

test('a TRUNCATE between inserts of one transaction; one that is rolled back; two in a row', async () => {
  await plane.client.query(
    `BEGIN; ${insert(30, 'Before.')} TRUNCATE articles; ${insert(31, 'After.')} COMMIT`,
  );
  await settled();
  expect(await documentOf(30)).toBeUndefined();
  expect((await documentOf(31))?.text).toBe('After.');
  await plane.client.query('BEGIN; TRUNCATE articles; ROLLBACK');
  await settled();
  expect((await documentOf(31))?.text).toBe('After.');
  await plane.client.query('TRUNCATE articles; TRUNCATE articles');
  await settled();
  expect(await documentOf(31)).toBeUndefined();
});

const changesOf = async (key: number): Promise<readonly KafkaRecord[]> => {
  const records: KafkaRecord[] = [];
  await scanTopic(plane.kafka, { topic: plane.topic }, (record) => {
    if (String(record.key) === `{"id":${key}}`) records.push(record);
  });
  return records;
};

test('a null value under a key is dropped: it says nothing of when', async () => {
  await plane.client.query(insert(40, 'Stays.'));
  await settled();
  const [{ partition } = { partition: 0 }] = await changesOf(40);
  const { dropped } = pipeline.counts;
  await plane.writer.append([{ topic: plane.topic, partition, key: '{"id":40}', value: null }]);
  await until('dropped', () => pipeline.counts.dropped > dropped);
  await settled();
  expect((await documentOf(40))?.text).toBe('Stays.');
});

test.each(['DEFAULT', 'FULL', 'NOTHING'])('a delete with REPLICA IDENTITY %s', async (identity) => {
  const key = 50 + identity.length;
  await plane.client.query(insert(key, 'To be deleted.'));
  await settled();
  await plane.client.query(`ALTER TABLE articles REPLICA IDENTITY ${identity}`);
  try {
    // Without an identity Postgres refuses to delete from a table that is published.
    if (identity === 'NOTHING') {
      await expect(plane.client.query('DELETE FROM articles WHERE id = $1', [key])).rejects.toThrow(
        /replica identity/,
      );
      return;
    }
    await plane.client.query('DELETE FROM articles WHERE id = $1', [key]);
    await settled();
    expect((await documentOf(key))?.kind).toBe('deleted');
  } finally {
    await plane.client.query('ALTER TABLE articles REPLICA IDENTITY DEFAULT');
  }
});
