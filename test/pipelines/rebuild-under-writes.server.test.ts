/** A rebuild while documents come: what is written during the comparison is applied at once, and the two generations are equal all the same. */

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createHashEmbeddingModel } from '../../connectors/models/embedding/hash-embedding-model.ts';
import { bytesOfVector } from '../../connectors/vector-index/vector-codec.ts';
import type { RowPlace } from '../../connectors/vector-index/vector-index.ts';
import { EMBEDDED, type VectorIndexKind } from '../../connectors/vector-index/vector-index-kind.ts';
import { documentIdOf, floorIdOf } from '../../schemas/document-id.ts';
import type { Document } from '../../schemas/records.ts';
import { TOPICS } from '../../schemas/topics.ts';
import { makeVersion } from '../../schemas/version.ts';
import { type DataPlane, openDataPlane } from '../support/indexed-source.ts';
import { startIndex, temporaryFolder } from '../support/plane-roles.ts';
import { until } from '../support/until.ts';

const SOURCE = `rebuilt-${randomUUID().slice(0, 8)}`;
const TABLES = ['public.articles', 'public.notes'] as const;
const PARTITIONS_USED = 3;
const model = createHashEmbeddingModel();

/** Holds the first look at rows after it was armed, which is the comparison's, until it is let go. */
const createHold = () => {
  let armed = false;
  let letGo: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  let isHeld = false;
  const kind: VectorIndexKind = {
    ...EMBEDDED,
    open: async (settings) => {
      const index = await EMBEDDED.open(settings);
      return new Proxy(index, {
        get: (target, name) => {
          if (name === 'has')
            return async (rows: readonly RowPlace[]) => {
              if (armed) {
                isHeld = true;
                await released;
              }
              return target.has(rows);
            };
          const value = Reflect.get(target, name, target) as unknown;
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    },
  };
  return {
    kind,
    arm: () => {
      armed = true;
    },
    held: () => isHeld,
    letGo: () => letGo(),
  };
};

const hold = createHold();
let plane: DataPlane;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let index: Awaited<ReturnType<typeof startIndex>>;

beforeAll(async () => {
  folder = await temporaryFolder();
  plane = await openDataPlane(inject('stack'), SOURCE);
  index = await startIndex(plane, folder.path, SOURCE, undefined, hold.kind);
}, 360_000);

afterAll(async () => {
  hold.letGo();
  await index?.stop();
  await plane?.close();
  await folder?.remove();
});

const recordOf = async (
  kind: Document['kind'],
  table: string,
  key: number,
  at: number,
): Promise<Document> => {
  const text = `Quince ${key} of state ${at}.`;
  const [vector = new Float32Array()] = await model.embed([text]);
  const isDocument = kind === 'document';
  return {
    kind,
    documentId: kind === 'floor' ? floorIdOf(SOURCE, table) : documentIdOf(SOURCE, table, { id: key }),
    ...{ source: SOURCE, table, version: makeVersion(1, [BigInt(at), 0n]) },
    ...{ tenant: isDocument ? 'acme' : null, title: '', text: isDocument ? text : '', metadata: {} },
    model: isDocument ? model.id : '',
    chunks: isDocument
      ? [{ hash: `${key} ${at}`, start: 0, end: text.length, vector: bytesOfVector(vector) }]
      : [],
    ...{ reason: null, flags: [], stale: null, fingerprint: null, carried: {} },
    timing: {
      committedAt: Date.now() * 1_000,
      capturedAt: 0,
      inKafkaAt: 0,
      gatedAt: 0,
      embeddedAt: 0,
      basis: 'commit',
    },
    change: { topic: `cdc.${SOURCE}`, partition: 0, offset: at },
  };
};
const append = (records: readonly Document[], partitionOf: (at: number) => number) =>
  plane.writer.append(
    records.map((record, at) => ({
      topic: TOPICS.documents.name,
      partition: partitionOf(at),
      key: record.documentId,
      value: plane.codec.encode('Document', record),
    })),
  );

const listed = async (table: string): Promise<number> => {
  let count = 0;
  for await (const _ of index.list(SOURCE, table)) count += 1;
  return count;
};

test('nothing waits for the comparison: updates, deletes, new rows and a floor are applied during it, and compared', async () => {
  const [articles, notes] = TABLES;
  const keys = Array.from({ length: 60 }, (_, key) => key);
  const byKey = (at: number): number => at % PARTITIONS_USED;
  for (const table of TABLES)
    await append(await Promise.all(keys.map((key) => recordOf('document', table, key, 10))), byKey);
  for (const table of TABLES) await until('applied', async () => (await listed(table)) === keys.length);

  hold.arm();
  const reports = (async () => {
    for await (const progress of index.rebuild()) if (progress.done) return progress.report;
    return undefined;
  })();
  await until('it compares', () => hold.held());
  await append(
    await Promise.all(keys.map((key) => recordOf(key < 20 ? 'deleted' : 'document', articles, key, 20))),
    byKey,
  );
  await append([await recordOf('document', articles, 60, 20)], () => 0);
  const floor = await recordOf('floor', notes, 0, 30);
  await append([floor, floor, floor], byKey);
  await until(
    'applied during it',
    async () => (await listed(articles)) === 41 && (await listed(notes)) === 0,
  );

  hold.letGo();
  expect(await reports).toMatchObject({ identical: true, different: [] });
  expect([await listed(articles), await listed(notes)]).toEqual([41, 0]);
  const { hits } = await index.search({ query: 'Quince', tenant: 'acme', topK: 100 });
  expect(hits.map(({ text }) => text).sort()).toEqual(
    [...keys.slice(20), 60].map((key) => `Quince ${key} of state 20.`).sort(),
  );
}, 240_000);

test('two who hold up the applying hold it up one after the other: nothing is applied under either', async () => {
  const [articles] = TABLES;
  const before = await listed(articles);
  let letGo: () => void = () => undefined;
  let second = false;
  const first = index.holding(
    () =>
      new Promise<void>((resolve) => {
        letGo = resolve;
      }),
  );
  const both = Promise.all([
    first,
    index.holding(async () => {
      second = true;
    }),
  ]);
  await append([await recordOf('document', articles, 900, 40)], () => 0);
  await sleep(500);
  expect(second).toBe(false);
  expect(await listed(articles)).toBe(before);
  letGo();
  await both;
  expect(second).toBe(true);
  await until('it goes on', async () => (await listed(articles)) === before + 1);
});
