/**
 * Fault 13: a snapshot read beside changes written before and committed after it, and the other way round; redelivery after
 * a delete. The slot is made beforehand: otherwise Debezium's snapshot waits for the transactions that this is about.
 */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import { makeVersion } from '../../schemas/version.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilCounted, untilEqual } from '../support/plane-state.ts';
import { until } from '../support/until.ts';
import { startWatch } from '../support/watch.ts';

let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  plane = await openDataPlane(inject('stack'), 'snapshot-overlap');
  pipeline = await startPipeline(plane, folder.path);
  index = await startIndex(plane, folder.path);
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await folder?.remove();
});

const id = (key: number): string => documentIdOf('snapshot-overlap', 'public.articles', { id: String(key) });
const documentOf = async (key: number) => (await index.document(id(key)))?.record;
const changesOf = async (key: number): Promise<readonly KafkaRecord[]> => {
  const records: KafkaRecord[] = [];
  await scanTopic(plane.kafka, { topic: plane.topic }, (record) => {
    if (String(record.key) === `{"id":${key}}`) records.push(record);
  });
  return records;
};
const SNAPSHOT_READ = makeVersion(1, [1n, 0n]);

test('written before the snapshot and committed after it: its change wins, and so does what was committed before', async () => {
  const { client } = plane;
  await client.query(`
    INSERT INTO articles SELECT n, 'acme', 'Article ' || n, 'a', 'Row ' || n || ' as it was.' FROM generate_series(1, 6) AS n`);
  await plane.prepare();
  await client.query('SELECT pg_create_logical_replication_slot($1, $2)', [plane.names.slot, 'pgoutput']);
  const [late, later] = await Promise.all([plane.connectClient(), plane.connectClient()]);
  await late.query(
    `BEGIN; UPDATE articles SET body = 'Row 1 from the late transaction.' WHERE id = 1; DELETE FROM articles WHERE id = 2`,
  );
  await later.query(`BEGIN; UPDATE articles SET body = 'Row 3, first of two.' WHERE id = 3`);
  // The other way round: written after the open ones, and committed before the snapshot reads.
  await client.query(`UPDATE articles SET body = 'Row 4 before the snapshot.' WHERE id = 4`);
  await client.query(
    `UPDATE articles SET body = 'Row 5, to be deleted.' WHERE id = 5; DELETE FROM articles WHERE id = 5`,
  );
  await plane.capture();
  await until(
    'the snapshot is through',
    async () =>
      (await documentOf(1))?.text === 'Row 1 as it was.' &&
      (await documentOf(4))?.text === 'Row 4 before the snapshot.',
  );
  expect((await documentOf(1))?.version.localeCompare(SNAPSHOT_READ)).toBeLessThan(0);
  await client.query(`UPDATE articles SET body = 'Row 6 after the snapshot.' WHERE id = 6`);
  await later.query(`UPDATE articles SET body = 'Row 3, second of two.' WHERE id = 3`);
  // The later transaction commits first.
  await later.query('COMMIT');
  await late.query('COMMIT');
  await Promise.all([late.end(), later.end()]);
  // Each row is of a partition of its own: that one is in says nothing of the others.
  await until(
    'the late ones are in',
    async () =>
      (await documentOf(1))?.text === 'Row 1 from the late transaction.' &&
      (await documentOf(2))?.kind === 'deleted',
  );
  await untilEqual(plane, index);
  expect((await documentOf(3))?.text).toBe('Row 3, second of two.');
  expect(await documentOf(5)).toBeUndefined();
  expect((await documentOf(6))?.text).toBe('Row 6 after the snapshot.');
  await untilCounted(plane, pipeline.counts);
}, 360_000);

test('the snapshot read delivered again after a newer change is superseded, and so is everything of a row that was deleted', async () => {
  const { superseded } = pipeline.counts;
  const again = [...(await changesOf(1)), ...(await changesOf(2))];
  // Of each the read of the snapshot and the late change.
  expect(again).toHaveLength(4);
  const watch = startWatch(async () => {
    const [one, two] = [await documentOf(1), await documentOf(2)];
    if (one?.text !== 'Row 1 from the late transaction.') return `row 1: ${one?.text}`;
    if (two?.kind !== 'deleted') return `row 2: ${two?.kind}`;
    const { hits } = await index.search({ query: 'Row as it was', tenant: 'acme', topK: 50 });
    return hits.find((hit) => hit.documentId === id(2) || hit.text === 'Row 1 as it was.')?.text;
  });
  await plane.writer.append(
    again.map(({ topic, partition, key, value, headers }) => ({
      topic,
      partition,
      key: String(key),
      value,
      headers: { 'freshet-epoch': String(headers['freshet-epoch']) },
    })),
  );
  await until('superseded', () => pipeline.counts.superseded >= superseded + again.length);
  await untilEqual(plane, index);
  await watch.stop();
  expect(watch.sightings).toEqual([]);
  expect(pipeline.counts.superseded).toBe(superseded + again.length);
  await untilCounted(plane, pipeline.counts);
}, 360_000);
