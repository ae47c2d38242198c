/** Source → Debezium → documents → index, on real servers: every kind of change ends where a SELECT says it should. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { KafkaRecord, RecordToAppend } from '../../connectors/kafka/kafka.ts';
import { scanTopic } from '../../connectors/kafka/scan.ts';
import type { EmbeddingModel } from '../../connectors/models/embedding/embedding-model.ts';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import type { Document } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { isVersion, repairVersion } from '../../schemas/version.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, startPipeline, temporaryFolder } from '../support/plane-roles.ts';
import {
  changesCommitted,
  changesWritten,
  deadLetters,
  expectedChunks,
  indexedState,
  quarantined,
  untilCounted,
  untilEqual,
} from '../support/plane-state.ts';
import { createRowLoad } from '../support/row-load.ts';
import { until } from '../support/until.ts';

let plane: DataPlane;
let pipeline: Awaited<ReturnType<typeof startPipeline>>;
let index: Awaited<ReturnType<typeof startIndex>>;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let written = 0;

const instant = createHashEmbeddingModel();
/** Fault 21: vectors that no index can hold, of texts that ask for them. */
const model: EmbeddingModel = {
  ...instant,
  embed: async (texts, context) =>
    (await instant.embed(texts, context)).map((vector, at) =>
      texts[at]?.includes('nanberry')
        ? Float32Array.from(vector, () => Number.NaN)
        : texts[at]?.includes('shortberry')
          ? vector.slice(0, 10)
          : vector,
    ),
};

beforeAll(async () => {
  folder = await temporaryFolder();
  plane = await openDataPlane(inject('stack'), 'main-path');
  await plane.client.query(`
    INSERT INTO articles (id, tenant, title, category, body)
    SELECT n, CASE WHEN n % 3 = 0 THEN 'brim' ELSE 'acme' END, 'Article ' || n, 'seed', 'The word of article ' || n || ' is seed' || n || '.'
    FROM generate_series(1, 30) AS n`);
  pipeline = await startPipeline(plane, folder.path, model);
  index = await startIndex(plane, folder.path);
  await plane.capture();
}, 360_000);

afterAll(async () => {
  await pipeline?.stop();
  await index?.stop();
  await plane?.close();
  await folder?.remove();
});

const id = (key: number | string): string =>
  documentIdOf('main-path', 'public.articles', { id: String(key) });
const kindOf = async (key: number | string) => (await index.document(id(key)))?.record.kind;
const textOf = async (key: number) => (await index.document(id(key)))?.record.text;
/** In a document of this source: the log is shared, and other tests' rows hold the same words under the same tenant. */
const found = async (word: string, tenant = 'acme'): Promise<boolean> =>
  (await index.search({ query: word, tenant, topK: 50 })).hits.some(
    ({ documentId, text }) => documentId.startsWith('main-path/') && text.includes(word),
  );

/** I7 and I1 at rest: every record of the change topic is counted once, and the index is what a SELECT makes. */
const settled = async (): Promise<void> => {
  await untilCounted(plane, pipeline.counts);
  await untilEqual(plane, index);
  written = await changesWritten(plane);
  expect([...pipeline.failures, ...index.failures]).toEqual([]);
};

test('rows that were there come by the snapshot, each to its own tenant', async () => {
  await settled();
  expect(await found('seed7')).toBe(true);
  expect(await found('seed7', 'brim')).toBe(false);
  expect(await found('seed9', 'brim')).toBe(true);
});

test('insert, update, delete, and a row that moves to another tenant', async () => {
  await plane.client.query(
    `INSERT INTO articles VALUES (100, 'acme', 'New', 'a', 'The word is quince.'), (101, 'acme', 'New', 'a', 'The word is medlar.')`,
  );
  await until('inserted', () => found('quince'));
  await plane.client.query(`UPDATE articles SET body = 'The word is loquat.' WHERE id = 100`);
  await until('updated', async () => (await found('loquat')) && !(await found('quince')));
  await plane.client.query(`UPDATE articles SET tenant = 'brim' WHERE id = 101`);
  await until('moved', async () => (await found('medlar', 'brim')) && !(await found('medlar')));
  await plane.client.query('DELETE FROM articles WHERE id = 100');
  await until('deleted', async () => !(await found('loquat')));
  await until('a marker stands in its place', async () => (await kindOf(100)) === 'deleted');
  await settled();
});

test('a changed primary key is a delete and a create; a key above 2^53 keeps its digits', async () => {
  await plane.client.query(`INSERT INTO articles VALUES (110, 'acme', 'Moves', 'a', 'The word is sorrel.')`);
  await until('inserted', () => found('sorrel'));
  await plane.client.query('UPDATE articles SET id = 9007199254740993 WHERE id = 110');
  await until('moved', async () => (await kindOf('9007199254740993')) === 'document');
  await until('deleted', async () => (await kindOf(110)) === 'deleted');
  await settled();
});

test('an update that leaves the text alone embeds nothing', async () => {
  await settled();
  const { embedded } = pipeline.stats();
  await plane.client.query(`UPDATE articles SET views = views + 1 WHERE id <= 10`);
  await plane.client.query(`UPDATE articles SET category = 'other' WHERE id <= 5`);
  await until('updated', async () => (await index.document(id(5)))?.record.metadata.category === 'other');
  await settled();
  expect(pipeline.stats().embedded).toBe(embedded);
});

const long = (word: string): string =>
  Array.from({ length: 250 }, (_, at) => `Sentence ${at} of ${word}.`).join(' ');

test('16: a TOASTed text beside an update of another column is kept, from the last record and after a marker from the row', async () => {
  await plane.client.query(`INSERT INTO articles VALUES (120, 'acme', 'Long', 'a', $1)`, [long('tansy')]);
  await until('inserted', () => found('tansy'));
  const { embedded } = pipeline.stats();
  await plane.client.query(`UPDATE articles SET category = 'b' WHERE id = 120`);
  await until('updated', async () => (await index.document(id(120)))?.record.metadata.category === 'b');
  expect(await textOf(120)).toBe(long('tansy'));
  expect(pipeline.stats().embedded).toBe(embedded);
  expect(pipeline.rowsRead).toEqual([]);
  // A row that names no tenant is refused, and what was good stays, marked stale; what is stale is no record to take from.
  await plane.client.query(`UPDATE articles SET tenant = '' WHERE id = 120`);
  await until('refused', async () => (await kindOf(120)) === 'refused');
  expect(await found('tansy')).toBe(true);
  // What is refused of a text taken from what stands is judged by its row first.
  expect(pipeline.rowsRead).toEqual(['120']);
  await plane.client.query(`UPDATE articles SET tenant = 'acme' WHERE id = 120`);
  await until('back', async () => (await kindOf(120)) === 'document');
  expect(await textOf(120)).toBe(long('tansy'));
  expect(pipeline.rowsRead).toEqual(['120', '120']);
  await settled();
});

test('a refused document leaves a marker and a quarantine record; what was good before stays, marked stale', async () => {
  await plane.client.query(
    `INSERT INTO articles VALUES (130, 'acme', 'Refused', 'a', 'The word is comfrey.')`,
  );
  await until('inserted', () => found('comfrey'));
  const before = (await index.document(id(130)))?.record;
  const { embedded } = pipeline.stats();
  await plane.client.query(`UPDATE articles SET body = '   ' WHERE id = 130`);
  await until('refused', async () => (await kindOf(130)) === 'refused');
  const refused = await index.document(id(130));
  expect(refused).toMatchObject({
    record: {
      kind: 'refused',
      reason: 'required: no-text',
      text: 'The word is comfrey.',
      stale: { version: before?.version },
    },
  });
  const hits = (await index.search({ query: 'comfrey', tenant: 'acme', topK: 50 })).hits;
  expect(hits.find((hit) => hit.documentId === id(130))).toMatchObject({
    version: before?.version,
    stale: { reason: 'required: no-text' },
  });
  const records = async () => (await quarantined(plane)).filter((each) => each.documentId === id(130));
  expect(await records()).toMatchObject([
    {
      gate: 'required',
      reason: 'no-text',
      tenant: 'acme',
      change: { topic: plane.topic },
      outcome: 'refused',
    },
  ]);
  // Rule G: a later change of another column publishes nothing of what was refused, nor makes the kept text fresh again.
  await plane.client.query(`UPDATE articles SET category = 'b' WHERE id = 130`);
  await until('refused again', async () => (await records()).length === 2);
  await until(
    'again in the index',
    async () => (await index.document(id(130)))?.record.version !== refused?.record.version,
  );
  expect((await index.document(id(130)))?.record).toMatchObject({
    kind: 'refused',
    metadata: { category: 'a' },
    stale: { version: before?.version },
  });
  expect(pipeline.stats().embedded).toBe(embedded);
  await plane.client.query(`UPDATE articles SET body = 'The word is yarrow.' WHERE id = 130`);
  await until('mended', async () => (await found('yarrow')) && !(await found('comfrey')));
  await until('that it passed is said', async () => (await records()).length === 3);
  expect((await records()).map((each) => each.outcome)).toEqual(['refused', 'refused', 'passed']);
  await settled();
});

test('21: poison is dead-lettered with its reason, and the partition goes on', async () => {
  await plane.client.query(`INSERT INTO articles VALUES (140, 'acme', 'Good', 'a', 'The word is orache.')`);
  await until('inserted', () => found('orache'));
  const good = await lastChange();
  const poison: readonly (readonly [string, Partial<RecordToAppend>])[] = [
    ['not-avro', { value: Buffer.from('not Avro at all') }],
    ['schema-mismatch', { value: Buffer.from([0, 0x7f, 1, 2, 3, 4, 5]) }],
    ['not-avro', { value: Buffer.concat([(good.value ?? Buffer.alloc(0)).subarray(0, 9)]) }],
    ['null-key', { key: null }],
    ['bad-key', { key: 'not JSON' }],
    ['bad-key', { key: '{"id":"\\ud800"}' }],
    ['not-avro', { value: Buffer.alloc(5_000_000, 0xff) }],
    ['null-value', { key: null, value: null }],
  ];
  const { partition, value } = good;
  const places = await plane.writer.append(
    poison.map(([, fields]) => ({
      topic: plane.topic,
      partition,
      key: String(good.key),
      value,
      headers: { 'freshet-epoch': '1' },
      ...fields,
    })),
  );
  // Behind them on the same partition: the row of the good one.
  await plane.client.query(`UPDATE articles SET body = 'The word is alecost.' WHERE id = 140`);
  await until('the partition goes on', () => found('alecost'));
  const letters = await deadLetters(plane);
  expect(letters.map(({ reason, origin }) => [origin.offset, reason])).toEqual(
    poison.map(([reason], at) => [places[at]?.offset, reason]),
  );
  expect(letters.find(({ valueBytes }) => valueBytes === 5_000_000)?.value).toBeNull();
  expect(pipeline.counts['dead-lettered']).toBe(poison.length);
  await settled();
});

test('21: a vector that is not finite or too short refuses its document alone, and a better text mends it', async () => {
  await plane.client.query(
    `INSERT INTO articles VALUES (150, 'acme', 'Good', 'a', 'The word is skirret.'), (151, 'acme', 'Nan', 'a', 'The word is nanberry.'), (152, 'acme', 'Short', 'a', 'The word is shortberry.'), (153, 'acme', 'Good', 'a', 'The word is samphire.')`,
  );
  await until('the others are there', async () => (await found('skirret')) && (await found('samphire')));
  await until(
    'both are refused',
    async () => (await kindOf(151)) === 'refused' && (await kindOf(152)) === 'refused',
  );
  const refusals = (await quarantined(plane)).filter((each) => [id(151), id(152)].includes(each.documentId));
  expect(refusals.map(({ gate, reason }) => `${gate}: ${reason}`).sort()).toEqual([
    'embedding: not-finite',
    'embedding: wrong-dimensions',
  ]);
  await plane.client.query(`UPDATE articles SET body = 'The word is salsify ' || id WHERE id IN (151, 152)`);
  await until('mended', async () => (await kindOf(151)) === 'document' && (await kindOf(152)) === 'document');
  await settled();
});

test('21: a document in the log whose vector is none is passed over, and its partition goes on', async () => {
  await plane.client.query(`INSERT INTO articles VALUES (160, 'acme', 'Good', 'a', 'The word is sorrel.')`);
  await until('inserted', () => found('sorrel'));
  const traced = await until('traced', () => index.document(id(160)));
  let record: Document | undefined;
  await scanTopic(
    plane.kafka,
    { topic: TOPICS.documents.name, partitions: [traced.partition] },
    async ({ key, value }) => {
      if (key?.toString() === id(160)) record = await plane.codec.decode('Document', value);
    },
  );
  if (!record || !isVersion(record.version)) throw new Error('the document is not in the log');
  const whole = record;
  const version = repairVersion(record.version);
  const { unreadable } = index.counts;
  const vectors = [
    Buffer.alloc(whole.chunks[0]?.vector.length ?? 0, 0xff),
    Buffer.alloc(7, 1),
    Buffer.alloc(1_536),
  ];
  await plane.writer.append(
    vectors.map((vector) => ({
      topic: TOPICS.documents.name,
      partition: traced.partition,
      key: id(160),
      value: plane.codec.encode('Document', {
        ...whole,
        version,
        chunks: whole.chunks.map((chunk) => ({ ...chunk, vector })),
      }),
    })),
  );
  await until('passed over', () => index.counts.unreadable >= unreadable + vectors.length);
  await plane.client.query(`UPDATE articles SET body = 'The word is lovage.' WHERE id = 160`);
  await until('the partition goes on', () => found('lovage'));
  await settled();
});

const lastChange = async (): Promise<KafkaRecord> => {
  let last: KafkaRecord | undefined;
  await scanTopic(plane.kafka, { topic: plane.topic }, (record) => {
    if (String(record.key) === '{"id":140}') last = record;
  });
  if (!last) throw new Error('the row 140 was not captured');
  return last;
};

test('what is counted is committed', async () => {
  await until('committed', async () => (await changesCommitted(plane)) >= written);
});

test('TRUNCATE empties the table, in every partition; what comes after it is there', async () => {
  await plane.client.query('TRUNCATE articles');
  await plane.client.query(`INSERT INTO articles VALUES (7, 'acme', 'After', 'a', 'The word is betony.')`);
  await until('inserted', () => found('betony'));
  await settled();
  expect((await indexedState(plane, index)).chunks).toHaveLength(1);
});

test('the index rebuilt from the log is the same, row for row, and so is one begun in another folder', async () => {
  // While changes go on coming: it reads on to where the serving one stands, and no further.
  const load = createRowLoad(plane.client, 3).run();
  const before = pipeline.counts.appended;
  await until('changes flow', () => pipeline.counts.appended > before + 20);
  let last: unknown;
  for await (const progress of index.rebuild()) last = progress;
  await load.stop();
  expect(last).toMatchObject({ done: true, report: { identical: true, different: [] } });
  await settled();
  const other = await temporaryFolder();
  const replica = await startIndex(plane, other.path, 'main-path-replica');
  await until('caught up', () => replica.current());
  expect((await indexedState(plane, replica)).chunks).toEqual(await expectedChunks(plane));
  await replica.stop();
  await other.remove();
});
