/** A partition's work under another model: what ends in freshet.documents ends in the model's own log too. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RecordToAppend } from '../../../connectors/kafka/kafka.ts';
import {
  COVERS_HEADER,
  createReembedPartition,
} from '../../../pipelines/reembed-documents/reembed-partition.ts';
import { endedMarkerOf, markerEndHeaders } from '../../../schemas/marker-end.ts';
import { documentsIn } from '../../support/documents-in.ts';
import { recordOf } from '../document-histories.ts';
import { model } from '../index-documents/changes.ts';
import { createMemoryDocumentTable } from '../memory-document-table.ts';

test('the end of a marker is an end there, and covers its offset', async () => {
  const topic = 'freshet.documents.other';
  const table = createMemoryDocumentTable();
  const marker = recordOf({ kind: 'deleted', table: 'public.a', key: 1 }, 3);
  table.write({ partition: 2, position: 1, documents: [{ record: marker, offset: 0 }] });
  const appended: RecordToAppend[] = [];
  let done = 0;
  const work = createReembedPartition({
    ...{ partition: 2, topic, table, model, clock: () => 5, liveFrom: 0 },
    limits: { maxTokens: 40, overlapTokens: 0, countTokens: (text) => model.countTokens(text) },
    pace: { take: () => 0 },
    codec: {
      encode: () => Buffer.from('encoded'),
      bodyOf: () => undefined,
      decode: () => Promise.reject(new Error('there is nothing to decode')),
    },
    writer: {
      append: async (records) => records.map((record) => ({ partition: 2, offset: appended.push(record) })),
      pending: () => 0,
      close: async () => undefined,
    },
    embed: async () => new Map(),
    onDone: async (next) => {
      done = next;
    },
    onEvent: () => undefined,
    ...{ onFull: () => undefined, onDrained: () => undefined },
    ...{ onTailFull: () => undefined, onTailDrained: () => undefined },
  });
  const headers = Object.fromEntries(
    Object.entries(markerEndHeaders(marker, 'test', 1)).map(([name, value]) => [name, Buffer.from(value)]),
  );
  const key = Buffer.from(marker.documentId);
  work.documents([
    { topic: 'freshet.documents', partition: 2, offset: 8, timestamp: 0, key, value: null, headers },
  ]);
  while (done === 0) await turn();
  await work.ended();
  expect(done).toBe(9);
  expect(documentsIn(table, 2)).toEqual([]);
  const [end, ...others] = appended;
  expect(others).toEqual([]);
  expect(end).toMatchObject({ topic, partition: 2, key: marker.documentId, value: null });
  expect(end?.headers?.[COVERS_HEADER]).toBe('9');
  const written = Object.fromEntries(
    Object.entries(end?.headers ?? {}).map(([name, value]) => [name, Buffer.from(value)]),
  );
  expect(endedMarkerOf({ topic, partition: 2, offset: 1, key, headers: written })).toMatchObject({
    version: marker.version,
  });
});
