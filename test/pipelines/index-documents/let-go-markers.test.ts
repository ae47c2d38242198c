/** Which markers of ended memories go, and how their end is written and read. */
import { expect, test } from 'vitest';
import { decodeDocuments } from '../../../pipelines/decode-documents.ts';
import { isOver, letGoOfMarkers } from '../../../pipelines/index-documents/let-go-markers.ts';
import { documentIdOf } from '../../../schemas/document-id.ts';
import { endedMarkerOf } from '../../../schemas/marker-end.ts';
import { MEMORY_SOURCE, MEMORY_TABLE, memoryVersion } from '../../../schemas/memory-source.ts';
import type { Document } from '../../../schemas/records.ts';
import { TOPICS } from '../../../schemas/topics.ts';
import { documentsIn } from '../../support/documents-in.ts';
import { recordOf } from '../document-histories.ts';
import { createMemoryDocumentTable } from '../memory-document-table.ts';

const MINUTE = 60_000_000;
const KEPT = { prunedMs: 10 * 60_000, forgottenMs: 100 * 60_000 };
const marker = (id: string, state: 'pruned' | 'forgotten', fields: Partial<Document> = {}): Document => ({
  ...recordOf({ kind: 'deleted', table: 'public.a', key: 1 }, 1),
  ...{ source: MEMORY_SOURCE, table: MEMORY_TABLE },
  documentId: documentIdOf(MEMORY_SOURCE, MEMORY_TABLE, { id }),
  version: memoryVersion({ state, at: 5 }),
  timing: { committedAt: 5, capturedAt: 5, inKafkaAt: 5, gatedAt: 5, embeddedAt: MINUTE, basis: 'commit' },
  change: { topic: TOPICS.memory.name, partition: 3, offset: 7 },
  ...fields,
});

test('a marker goes once it has stood for long enough, longer for what a person forgot, and its change is committed', () => {
  const pruned = marker('a', 'pruned');
  expect(isOver(pruned, 8, KEPT, 12 * MINUTE)).toBe(true);
  expect(isOver(pruned, 8, KEPT, 11 * MINUTE)).toBe(false);
  expect(isOver(pruned, 7, KEPT, 1_000 * MINUTE)).toBe(false);
  const forgotten = marker('a', 'forgotten');
  expect(isOver(forgotten, 8, KEPT, 12 * MINUTE)).toBe(false);
  expect(isOver(forgotten, 8, KEPT, 102 * MINUTE)).toBe(true);
});

test('what lives, what a gate refused, and the markers of rows of databases stay', () => {
  for (const fields of [
    { kind: 'document' },
    { kind: 'refused' },
    { source: 'shop' },
    { change: { topic: 'cdc.shop', partition: 3, offset: 7 } },
  ] as const)
    expect(isOver(marker('a', 'pruned', fields), 8, KEPT, 1_000 * MINUTE)).toBe(false);
});

test('the end is a record without a value that names its version; nothing is held after it, and it is read as such', async () => {
  const table = createMemoryDocumentTable();
  const [old, young] = [
    marker('old', 'pruned'),
    marker('young', 'pruned', { change: { topic: TOPICS.memory.name, partition: 3, offset: 9 } }),
  ];
  table.write({
    partition: 3,
    position: 12,
    documents: [old, young].map((record, offset) => ({ record, offset })),
  });
  const appended: { key: string | null; value: Buffer | null; headers?: Readonly<Record<string, string>> }[] =
    [];
  const settings = {
    ...{ table, kept: KEPT, clock: () => 60 * MINUTE },
    writer: {
      append: async (records: readonly (typeof appended)[number][]) =>
        records.map((record) => ({ partition: 3, offset: 20 + appended.push(record) })),
    },
  };
  expect(await letGoOfMarkers(settings, 3, 9)).toBe(1);
  expect(await letGoOfMarkers(settings, 3, 9)).toBe(0);
  expect(appended).toMatchObject([{ key: old.documentId, value: null }]);
  expect(documentsIn(table, 3).map(({ record }) => record.documentId)).toEqual([young.documentId]);
  expect(table.position(3)).toBe(12);

  const headers = Object.fromEntries(
    Object.entries(appended[0]?.headers ?? {}).map(([name, value]) => [name, Buffer.from(value)]),
  );
  const inLog = { topic: TOPICS.documents.name, partition: 3, offset: 21, timestamp: 0, value: null };
  const codec = { decode: () => Promise.reject(new Error('there is nothing to decode')) };
  const [end, ...others] = await decodeDocuments(codec, [
    { ...inLog, key: Buffer.from(old.documentId), headers },
    // Somebody else's records without a value say nothing.
    { ...inLog, key: Buffer.from(old.documentId), headers: {} },
    { ...inLog, key: Buffer.from('no id'), headers },
    { ...inLog, key: null, headers },
  ]);
  expect(others).toEqual([]);
  expect(end).toMatchObject({
    ended: true,
    offset: 21,
    record: { source: old.source, table: old.table, version: old.version },
  });
  expect(endedMarkerOf({ ...inLog, key: Buffer.from('%/a/1'), headers })).toBeUndefined();
});
