/** Fault 18: a delete, then a late retry of an older upsert straight into freshet.documents: it stays deleted, after compaction too. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { KafkaRecord } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import { documentIdOf, floorIdOf } from '../../schemas/document-id.ts';
import type { Document } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilEqual } from '../support/plane-state.ts';
import { until } from '../support/until.ts';
import { startWatch } from '../support/watch.ts';

let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  plane = await openDataPlane(inject('stack'), 'late-upsert');
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

const id = (key: number): string => documentIdOf('late-upsert', 'public.articles', { id: String(key) });
const kindOf = async (key: number) => (await index.document(id(key)))?.record.kind;
/** The records of a key, in the order of the log. */
const recordsOf = async (
  key: string,
): Promise<readonly (KafkaRecord & { readonly document: Document })[]> => {
  const found: (KafkaRecord & { readonly document: Document })[] = [];
  await scanTopic(plane.kafka, { topic: TOPICS.documents.name }, async (record) => {
    if (String(record.key) === key)
      found.push({ ...record, document: await plane.codec.decode('Document', record.value) });
  });
  return found;
};
const appendAgain = async (records: readonly KafkaRecord[]): Promise<void> => {
  const places = await plane.writer.append(
    records.map(({ topic, partition, key, value }) => ({ topic, partition, key: String(key), value })),
  );
  await until('the index has passed them', async () => {
    const { positions } = await index.status();
    return places.every(({ partition, offset }) => (positions[String(partition)] ?? 0) > offset);
  });
};
/** Compaction keeps the last of a key: it must be the newest. */
const untilNewestIsLast = (key: string): Promise<unknown> =>
  until('the newest stands last in the log', async () => {
    const versions = (await recordsOf(key)).map(({ document }) => document.version);
    return versions.at(-1) === [...versions].sort().at(-1);
  });

test('an older upsert after a delete, and after a newer text: neither is back for a moment, and the owner puts the newer last', async () => {
  await plane.client.query(
    `INSERT INTO articles VALUES (1, 'acme', 'One', 'a', 'The word is cowslip.'), (2, 'acme', 'Two', 'a', 'The word is oxlip.')`,
  );
  await until('inserted', async () => (await kindOf(1)) === 'document' && (await kindOf(2)) === 'document');
  const older = [...(await recordsOf(id(1))), ...(await recordsOf(id(2)))];
  await plane.client.query(
    `UPDATE articles SET body = 'The word is primrose.' WHERE id = 2; DELETE FROM articles WHERE id = 1`,
  );
  await until(
    'changed',
    async () =>
      (await kindOf(1)) === 'deleted' &&
      (await index.document(id(2)))?.record.text === 'The word is primrose.',
  );
  const watch = startWatch(async () => {
    const { hits } = await index.search({ query: 'The word is cowslip oxlip', tenant: 'acme', topK: 50 });
    return hits.find((hit) => /cowslip|oxlip/.test(hit.text))?.text;
  });
  for (let round = 0; round < 3; round += 1) await appendAgain(older);
  await untilNewestIsLast(id(1));
  await untilNewestIsLast(id(2));
  await untilEqual(plane, index);
  await until('looked at often', () => watch.looks() > 10);
  await watch.stop();
  expect(watch.sightings).toEqual([]);
  expect(index.counts.superseded).toBeGreaterThanOrEqual(6);
});

test('an older floor and what it spared, after a newer floor', async () => {
  await plane.client.query(
    `TRUNCATE articles; INSERT INTO articles VALUES (3, 'acme', 'Three', 'a', 'The word is campion.')`,
  );
  await until('inserted', async () => (await kindOf(3)) === 'document' && (await kindOf(2)) === undefined);
  const floor = floorIdOf('late-upsert', 'public.articles');
  const older = [...(await recordsOf(floor)), ...(await recordsOf(id(3)))];
  await plane.client.query('TRUNCATE articles');
  await until('gone', async () => (await kindOf(3)) === undefined);
  const watch = startWatch(async () => {
    const { hits } = await index.search({ query: 'The word is campion', tenant: 'acme', topK: 50 });
    return hits.find((hit) => hit.text.includes('campion'))?.text;
  });
  await appendAgain(older);
  await until('the newer floor stands last in every partition', async () => {
    const records = await recordsOf(floor);
    const newest = records
      .map(({ document }) => document.version)
      .sort()
      .at(-1);
    const last = new Map(records.map(({ partition, document }) => [partition, document.version]));
    return (
      last.size === TOPICS.documents.partitions && [...last.values()].every((version) => version === newest)
    );
  });
  await untilEqual(plane, index);
  await watch.stop();
  expect(watch.sightings).toEqual([]);
  let report: unknown;
  for await (const progress of index.rebuild()) report = progress.report;
  expect(report).toMatchObject({ identical: true });
  expect([...pipeline.failures, ...index.failures]).toEqual([]);
});
