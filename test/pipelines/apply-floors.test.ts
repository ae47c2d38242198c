/** What a floor deletes goes a slice at a time, between which searches and writes go on (I1, I4, I5). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { TableWrite } from '../../connectors/document-table/document-table.ts';
import { applyFloors } from '../../pipelines/apply-floors.ts';
import { applyDocuments } from '../../pipelines/apply-index/apply-documents.ts';
import { openGenerations } from '../../pipelines/apply-index/generations.ts';
import { rowsOf } from '../../pipelines/apply-index/index-rows.ts';
import { foldDocuments, type LoggedDocument } from '../../pipelines/fold-documents.ts';
import { documentIdOf } from '../../schemas/document-id.ts';
import { turn } from '../../schemas/event-loop-turn.ts';
import type { Document } from '../../schemas/records.ts';
import { makeVersion } from '../../schemas/version.ts';
import { DIMENSIONS, versionOf } from '../failure/shrinking-document.ts';
import { documentsIn } from '../support/documents-in.ts';
import { deliveries, FLOOR_IDS, history, recordOf, truthOf } from './document-histories.ts';
import { createMemoryDocumentTable } from './memory-document-table.ts';

const PARTITION = 3;
const logged = (records: readonly Document[], from = 0): readonly LoggedDocument[] =>
  records.map((record, at) => ({ record, offset: from + at }));

test('given up between any two writes and read again, in any batches, it ends where the order of commits does', async () => {
  const lives = history.chain((events) =>
    fc.record({
      delivered: deliveries(events),
      batch: fc.integer({ min: 1, max: 8 }),
      /** Writes of the walk that fail, counted over the whole life. */
      failing: fc.uniqueArray(fc.nat(6), { maxLength: 3 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(lives, async ({ delivered, batch, failing }) => {
      const table = createMemoryDocumentTable();
      let writes = 0;
      const takeOut = (write: TableWrite): void => {
        writes += 1;
        if (failing.includes(writes)) throw new Error('killed');
        table.write(write);
      };
      const highest = new Map<string, string>();
      for (let at = 0; at < delivered.length; ) {
        const records = logged(delivered.slice(at, at + batch), at);
        try {
          const held = await applyFloors(table, PARTITION, records, takeOut, 1);
          const { documents, floors, removed } = foldDocuments(held, PARTITION, records);
          at += records.length;
          table.write({ partition: PARTITION, position: at, documents, floors, removed });
        } catch {
          // What is read again may come in other batches.
          batch = (batch % 3) + 1;
        }
        for (const { record } of documentsIn(table, PARTITION)) {
          expect(record.version >= (highest.get(record.documentId) ?? '')).toBe(true);
          highest.set(record.documentId, record.version);
        }
      }
      const floors = FLOOR_IDS.flatMap((id) => {
        const version = table.floor(PARTITION, id);
        return version === undefined ? [] : [[id, `floor ${version}`] as const];
      });
      const standing = documentsIn(table, PARTITION).map(
        ({ record }) => [record.documentId, `${record.kind} ${record.version} ${record.text}`] as const,
      );
      expect(Object.fromEntries([...floors, ...standing])).toEqual(truthOf(delivered));
    }),
    { numRuns: 500 },
  );
});

test('a floor over 20,000 documents lets the event loop turn, and none of them is ever there by half', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'freshet-floors-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const generations = await openGenerations({ folder, dimensions: DIMENSIONS, onDiscarded: () => undefined });
  const generation = generations.serving();
  const { table, index } = generation;
  const count = 20_000;
  const documents = Array.from({ length: count }, (_, key) => ({
    ...versionOf(1, 1),
    documentId: documentIdOf('helpcentre', 'public.a', { id: key }),
  }));
  for (let from = 0; from < count; from += 1_000)
    await applyDocuments(generation, [
      {
        ...{ partition: 0, position: from + 1_000 },
        records: logged(documents.slice(from, from + 1_000), from),
      },
    ]);

  const floor = recordOf({ kind: 'floor', table: 'public.a', key: 0 }, 5);
  const [first] = documents;
  // It stands before the floor in the same batch, and newer: never for a moment is it away.
  const newer = { ...versionOf(9, 1), documentId: first?.documentId ?? '' };
  const removing = vi.spyOn(index, 'remove');
  const applying = applyDocuments(generation, [
    { partition: 0, position: count + 2, records: logged([newer, floor], count) },
  ]);
  let ended = false;
  void applying.finally(() => {
    ended = true;
  });
  let held = table.count(0).documents;
  let most = 0;
  while (!ended) {
    await turn();
    const now = table.count(0).documents;
    most = Math.max(most, held - now);
    held = now;
    for (const at of [0, 1, count - held, Math.max(0, count - held - 1), count - 1]) {
      const document = documents[at];
      if (!document) continue;
      const record = table.get(0, document.documentId)?.record;
      expect(rowsOf(record ?? document).map(({ id }) => table.origin(id) !== undefined)).toEqual([
        record !== undefined,
      ]);
    }
    expect(table.get(0, newer.documentId)).toBeDefined();
    if (held > 1) expect(table.position(0)).toBe(count);
  }
  const [folded] = await applying;
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(200);
  expect(folded?.applied).toEqual([true, true]);
  expect(documentsIn(table, 0).map(({ record }) => record)).toEqual([newer]);
  expect(table.floor(0, floor.documentId)).toBe(makeVersion(1, [5n, 0n]));
  expect(await index.count()).toBe(1);
  expect([...table.staleRows()]).toEqual([]);
  // Each call may be a round trip, and be waited for until it is searchable.
  expect(removing.mock.calls.length).toBeLessThanOrEqual(3);
  await generations.close();
});
