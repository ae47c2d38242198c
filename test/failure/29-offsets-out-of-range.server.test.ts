/** Fault 29: changes are deleted before they were read (retention, a person): the pipeline stops and says so, each time, and never jumps. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { documentIdOf } from '../../schemas/document-id.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { type KafkaUnderTest, openKafkaUnderTest } from '../support/kafka-under-test.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { changesCommitted, changesWritten, total, untilCounted, untilEqual } from '../support/plane-state.ts';
import { setOffsets } from '../support/set-offsets.ts';
import { until } from '../support/until.ts';

const GROUP = 'freshet.index-documents';
let plane: DataPlane;
let kafka: KafkaUnderTest;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let pipeline: Awaited<ReturnType<typeof startPipeline>> | undefined;
let index: Awaited<ReturnType<typeof startIndex>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  kafka = await openKafkaUnderTest(inject('stack').kafka);
  plane = await openDataPlane(inject('stack'), 'out-of-range');
  await plane.capture();
  index = await startIndex(plane, folder.path);
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await kafka?.close();
  await folder?.remove();
});

const insert = (from: number, to: number, word: string): Promise<unknown> =>
  plane.client.query(
    `INSERT INTO articles SELECT n, 'acme', 'Row ' || n, 'a', 'The word is ' || $3 || '.' FROM generate_series($1::int, $2::int) n`,
    [from, to, word],
  );
const textOf = async (key: number) =>
  (await index.document(documentIdOf('out-of-range', 'public.articles', { id: String(key) })))?.record.text;

test('said at every start, nothing read and nothing committed, until a person decides where to go on', async () => {
  pipeline = await startPipeline(plane, folder.path);
  await insert(1, 40, 'larch');
  await untilCounted(plane, pipeline.counts);
  await untilEqual(plane, index);
  await pipeline.stop();
  pipeline = undefined;
  const committed = await changesCommitted(plane);
  expect(committed).toBeGreaterThan(0);

  // Enough for every partition; deleted before anybody has read them.
  const before = await changesWritten(plane);
  await insert(101, 180, 'rowan');
  await until('captured', async () => (await changesWritten(plane)) >= before + 80);
  for (const { partition, latest } of await plane.kafka.admin.offsets(plane.topic))
    await kafka.deleteRecordsBefore(plane.topic, partition, latest);

  for (const _ of ['first', 'again']) {
    const stopped = await startPipeline(plane, folder.path);
    await until('it says so', () => stopped.failures.length > 0);
    expect(stopped.failures[0]).toMatchObject({
      code: 'offsets-out-of-range',
      message: expect.stringContaining(`${plane.topic}:`),
    });
    expect(total(stopped.counts)).toBe(0);
    await stopped.stop();
    expect(await changesCommitted(plane)).toBe(committed);
  }
  // What was indexed stays as it was, and what is missing is not made up.
  expect(await textOf(1)).toBe('The word is larch.');
  expect(await textOf(101)).toBeUndefined();

  // A person lets it go on from where the log begins, and has the rows written again.
  const starts = (await plane.kafka.admin.offsets(plane.topic)).map(({ partition, earliest }) => ({
    ...{ partition, offset: earliest },
  }));
  expect(await setOffsets(inject('stack').kafka, plane.kafka, GROUP, plane.topic, starts)).toBe(true);
  pipeline = await startPipeline(plane, folder.path);
  await plane.client.query('UPDATE articles SET views = views + 1, body = body WHERE id > 100');
  await untilEqual(plane, index);
  expect(pipeline.failures).toEqual([]);
  expect(await textOf(101)).toBe('The word is rowan.');
});
