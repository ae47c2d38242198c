/** Fault 14: what Debezium wrote arrives shuffled and doubled, and later all of it once more: the index still equals the source. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { RecordToAppend } from '../../connectors/kafka/kafka.ts';
import { seededRandom } from '../../connectors/sample-source/seeded-random.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { type KafkaUnderTest, openKafkaUnderTest } from '../support/kafka-under-test.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import { untilCounted, untilEqual } from '../support/plane-state.ts';
import { createRowLoad, longText } from '../support/row-load.ts';
import { until } from '../support/until.ts';

const SEED = 14;
const CHANGES = 300;
/** Written last, enough for every partition: within one, what stands before the last rows is whole. */
const LAST_ROWS = 100;
const LAST_ID = 9_000;
const PARTITIONS = 8;
/** Written, given another long text, then another category, which leaves the text out: the text is known last. */
const CARRIED_ID = 8_000;

let plane: DataPlane;
let kafka: KafkaUnderTest;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let pipeline: Awaited<ReturnType<typeof startPipeline>> | undefined;
let index: Awaited<ReturnType<typeof startIndex>> | undefined;

beforeAll(async () => {
  folder = await temporaryFolder();
  kafka = await openKafkaUnderTest(inject('stack').kafka);
  plane = await openDataPlane(inject('stack'), 'shuffled');
  await plane.capture();
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await kafka?.close();
  await folder?.remove();
});

/** What the connector wrote of rows, as it would be written again. */
const captured = async (): Promise<readonly RecordToAppend[]> =>
  [...(await kafka.read(plane.topic)).values()].flat().flatMap(({ topic, partition, key, value, headers }) =>
    String(key).startsWith('{"id":')
      ? {
          ...{ topic, partition, value, key: String(key) },
          headers: Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, String(bytes)])),
        }
      : [],
  );
const isLast = ({ key }: RecordToAppend): boolean => Number(/\d+/.exec(key ?? '')?.[0]) >= LAST_ID;

const isCarried = ({ key }: RecordToAppend): boolean => Number(/\d+/.exec(key ?? '')?.[0]) === CARRIED_ID;

const forgetAll = async (): Promise<void> => {
  for (const { partition, latest } of await plane.kafka.admin.offsets(plane.topic))
    await kafka.deleteRecordsBefore(plane.topic, partition, latest);
};

test('shuffled and doubled before they are first read, and once more afterwards', async () => {
  await createRowLoad(plane.client, SEED).change(CHANGES);
  const texts = seededRandom(SEED, 'texts');
  await plane.client.query(`INSERT INTO articles VALUES ($1, 'acme', 'Carried', 'a', $2)`, [
    ...[CARRIED_ID, longText(texts, 80)],
  ]);
  await plane.client.query('UPDATE articles SET body = $2 WHERE id = $1', [CARRIED_ID, longText(texts, 80)]);
  await plane.client.query(`UPDATE articles SET category = 'b' WHERE id = $1`, [CARRIED_ID]);
  await plane.client.query(
    `INSERT INTO articles SELECT n, 'acme', 'Last ' || n, 'a', 'The end.' FROM generate_series($1::int, $2::int) n`,
    [LAST_ID, LAST_ID + LAST_ROWS - 1],
  );
  const records = await until('all is captured', async () => {
    const found = await captured();
    return found.filter(isLast).length === LAST_ROWS && found;
  });
  expect(new Set(records.filter(isLast).map(({ partition }) => partition)).size).toBe(PARTITIONS);
  await forgetAll();
  const random = seededRandom(SEED, 'order');
  const [written, given, left, ...more] = records.filter(isCarried);
  if (!written || !given || !left || more.length > 0) throw new Error('three changes of one row were made');
  const others = records.filter((each) => !isCarried(each));
  const doubled = [...others, ...others.filter(() => random.chance(0.5))];
  await plane.writer.append([written, left, ...random.shuffle(doubled), given]);

  pipeline = await startPipeline(plane, folder.path);
  index = await startIndex(plane, folder.path);
  await untilCounted(plane, pipeline.counts);
  await untilEqual(plane, index);
  // Of a row's changes, those that came after a later one changed nothing; so did the second of each pair.
  expect(pipeline.counts.superseded).toBeGreaterThan(doubled.length - others.length);
  expect(pipeline.counts['dead-lettered']).toBe(0);

  const { appended } = pipeline.counts;
  await plane.writer.append(random.shuffle(records));
  await untilCounted(plane, pipeline.counts);
  await untilEqual(plane, index);
  expect(pipeline.counts.appended).toBe(appended);
  expect([...pipeline.failures, ...index.failures]).toEqual([]);
});
