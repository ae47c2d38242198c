/** A partition's work where Kafka fails it: a batch is decided again and counts once, the log's end is asked for again. */
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { EmbeddingCache } from '../../../connectors/models/embedding/embedding-cache.ts';
import { createDriftWatch } from '../../../pipelines/gates/drift-state.ts';
import { createPartitionWorker } from '../../../pipelines/index-documents/partition-worker.ts';
import { revisionAfter } from '../../../schemas/version.ts';
import { createMemoryDocumentTable } from '../memory-document-table.ts';
import { model, recordAt, settingsOf, upsertAt, versionAt } from './changes.ts';

const LIMITS = { deviations: 3, afterChunks: 12 };

type Settings = Parameters<typeof createPartitionWorker>[0];

const workerWith = (over: Partial<Settings> & Pick<Settings, 'writer'>) =>
  createPartitionWorker({
    ...{ partition: 2, documentPartitions: 4, table: createMemoryDocumentTable() },
    codec: {
      encode: () => Buffer.from('encoded'),
      bodyOf: () => undefined,
      decode: () => Promise.reject(new Error('nothing to read')),
    },
    prepare: settingsOf({ drift: { ...LIMITS, action: 'flag' } }),
    embed: { embedding: new EmbeddingCache({ model, maxBytes: 1e6 }), model, clock: () => 8 },
    readChange: async ({ offset }) => ({
      kind: 'change',
      change: upsertAt(
        offset,
        { body: `How to reset a password, part ${offset}.` },
        { key: { id: String(offset) } },
      ),
    }),
    sourceOf: () => 'shop',
    tableTurns: async () => new Map(),
    askForPause: async () => undefined,
    logEnd: async () => 0,
    ...{ onDone: () => undefined, onRetry: () => undefined },
    ...{ onReappended: () => undefined, onFull: () => undefined, onDrained: () => undefined },
    ...{ onTailFull: () => undefined, onTailDrained: () => undefined },
    ...{ onOwn: () => undefined, onBehind: () => undefined, onCurrent: () => undefined },
    ...over,
  });

test('a batch that is tried again after a failed append teaches the drift gate once', async () => {
  const drift = createDriftWatch();
  const failures: Error[] = [];
  let appended = 0;
  let done = 0;
  const worker = workerWith({
    writer: {
      append: async (records) => {
        if (records.length > 0 && failures.length === 0) throw new Error('the broker has gone');
        return records.map(({ partition = 0 }) => ({ partition, offset: appended++ }));
      },
      pending: () => 0,
      close: async () => undefined,
    },
    embed: { embedding: new EmbeddingCache({ model, maxBytes: 1e6 }), model, clock: () => 8, drift },
    onDone: (records) => {
      done += records.length;
    },
    onRetry: (error) => failures.push(error),
  });
  worker.changes(Array.from({ length: 12 }, (_, at) => recordAt(at + 1)));
  while (done < 12) await turn();
  // Once more by a person's word: whoever asked learns when it is done, and nothing of it is committed.
  const redrive = { version: revisionAfter(versionAt(1)), action: 'redrive' } as const;
  await worker.redrive([{ ...redrive, record: recordAt(1), documentId: 'shop/public.a/1' }]);
  expect([done, appended]).toEqual([12, 13]);
  // The topic was made anew: at the offset of the change that was refused stands another row's.
  const newer = { ...redrive, version: revisionAfter(versionAt(2)) };
  await worker.redrive([{ ...newer, record: recordAt(2), documentId: 'shop/public.a/1' }]);
  expect([done, appended]).toEqual([12, 13]);
  await worker.stop();
  expect(failures).toMatchObject([{ message: 'the broker has gone' }]);
  const place = { source: 'shop', table: 'public.a', tenant: 'acme' };
  const [odd] = await model.embed(['Quixotic jackdaws vexed my sphinx.']);
  if (!odd) throw new Error('the model gave no vector');
  expect(drift.farthest(place, [odd], LIMITS)).toMatchObject({ at: 0 });
  expect(drift.farthest(place, [odd], { ...LIMITS, afterChunks: 13 })).toBeUndefined();
});

test('where the end of the log cannot be asked for it is asked for again; a worker that was given up says nothing', async () => {
  const writer = { append: async () => [], pending: () => 0, close: async () => undefined };
  const said: string[] = [];
  let away = true;
  const settings = {
    writer,
    logEnd: async () => {
      if (away) throw new Error('the broker has gone');
      return 0;
    },
    onRetry: ({ message }: Error) => said.push(message),
    onCurrent: () => said.push('current'),
  };
  const worker = workerWith(settings);
  const caughtUp = worker.catchUp();
  await vi.waitUntil(() => said.length > 0);
  expect(said).toEqual(['the broker has gone']);
  away = false;
  await caughtUp;
  expect(said.at(-1)).toBe('current');
  away = true;
  said.length = 0;
  const gone = workerWith(settings);
  const given = gone.catchUp();
  gone.abandon();
  await given;
  expect(said).not.toContain('current');
});
