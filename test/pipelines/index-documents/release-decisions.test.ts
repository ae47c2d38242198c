/** Which records a decision about a refused document is carried out on, where compaction has been at the topic. */
import { expect, test } from 'vitest';
import type { KafkaRecord } from '../../../connectors/kafka/kafka.ts';
import { againUnder } from '../../../pipelines/index-documents/carried-content.ts';
import { readMemory } from '../../../pipelines/index-documents/read-memory.ts';
import { decidedRecords, redriveOfRewritten } from '../../../pipelines/index-documents/release-decisions.ts';
import { documentIdOf } from '../../../schemas/document-id.ts';
import { MEMORY_SOURCE, MEMORY_TABLE, memoryVersion } from '../../../schemas/memory-source.ts';
import type { Memory } from '../../../schemas/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { revisionAfter } from '../../../schemas/version.ts';

const VERSION = memoryVersion({ state: 'kept', at: 50 });
const decided = (documentId: string, version = VERSION) => ({
  ...{ documentId, version, action: 'release' as const, contentHash: 'x', gate: 'secrets', partition: 3 },
});
const memory = (id: string) => documentIdOf(MEMORY_SOURCE, MEMORY_TABLE, { id });
const record = (offset: number, key: string): KafkaRecord => ({
  ...{ topic: TOPICS.memory.name, partition: 3, offset, timestamp: 1 },
  ...{ key: Buffer.from(key), value: Buffer.from('x'), headers: {} },
});

const lookIn = (log: readonly KafkaRecord[], looks: (readonly [number, number | undefined])[] = []) => {
  return async (from: number, before: number | undefined, onRecord: (each: KafkaRecord) => void) => {
    looks.push([from, before]);
    for (const each of log) if (each.offset >= from && each.offset < (before ?? 100)) onRecord(each);
  };
};

test('what stands at its offset is taken, with one look at the log', async () => {
  const looks: (readonly [number, number | undefined])[] = [];
  const log = [record(4, 'a'), record(6, 'b'), record(8, 'a')];
  const wanted = new Map([
    [4, decided(memory('a'))],
    [6, decided(memory('b'))],
  ]);
  const { stand, rewritten } = await decidedRecords(wanted, lookIn(log, looks));
  expect(stand.map((each) => each.record.offset)).toEqual([4, 6]);
  expect(rewritten).toEqual([]);
  expect(looks).toEqual([[4, 7]]);
});

test('where compaction took it away, the newest of the same key is taken', async () => {
  const log = [record(6, 'b'), record(8, 'a b'), record(9, 'c'), record(11, 'a b')];
  const wanted = new Map([
    [4, decided(memory('a b'))],
    [6, decided(memory('b'))],
    [7, decided(memory('nowhere'))],
  ]);
  const { stand, rewritten } = await decidedRecords(wanted, lookIn(log));
  expect(stand.map((each) => each.record.offset)).toEqual([6]);
  expect(rewritten.map((each) => [each.decision.documentId, each.record.offset])).toEqual([
    [memory('a b'), 11],
  ]);
});

test('what a database wrote and the log keeps no more is not looked for by its key', async () => {
  const wanted = new Map([[4, decided(documentIdOf('shop', 'public.a', { id: 'a' }))]]);
  expect(await decidedRecords(wanted, lookIn([record(9, 'a')]))).toEqual({ stand: [], rewritten: [] });
});

test.each([
  ['the refused version', VERSION],
  ['a revision of it', revisionAfter(VERSION)],
  ['a revision of a revision', revisionAfter(revisionAfter(VERSION))],
  ['a revision of that', revisionAfter(revisionAfter(revisionAfter(VERSION)))],
])('what is taken in its place is judged as it is, above %s', async (_, version) => {
  const kept: Partial<Memory> = { memoryId: 'a', kind: 'fact' as Memory['kind'], state: 'kept', at: 40 };
  const codec = { decode: async () => ({ ...kept, title: 't', text: 'x' }) as never };
  const redrive = await redriveOfRewritten((read) => readMemory(codec, read), {
    decision: decided(memory('a'), version),
    record: record(11, 'a'),
  });
  expect(redrive).toMatchObject({ action: 'release', record: { offset: 11 } });
  if (!redrive?.change) throw new Error('nothing is redriven');
  const taken = againUnder(redrive.change, redrive.version);
  expect(taken.version > version).toBe(true);
  expect(taken).toMatchObject({ key: { id: 'a' }, row: { text: 'x' } });
  expect(taken).not.toHaveProperty('late');
});
