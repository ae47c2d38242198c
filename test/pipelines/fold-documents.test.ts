/** I1, I4, I5 and rule C of the one fold that the owner of a partition, the index and its rebuild share. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DocumentTable } from '../../connectors/document-table/document-table.ts';
import { openLmdbDocumentTable } from '../../connectors/document-table/lmdb-document-table.ts';
import { encodeStored, STORED_HEADER_BYTES } from '../../connectors/document-table/record-codec.ts';
import { applyFloors } from '../../pipelines/apply-floors.ts';
import { foldDocuments, type LoggedDocument } from '../../pipelines/fold-documents.ts';
import type { Document } from '../../schemas/records.ts';
import { documentsIn } from '../support/documents-in.ts';
import { deliveries, FLOOR_IDS, history, historyEvent, recordOf, truthOf } from './document-histories.ts';
import { createMemoryDocumentTable } from './memory-document-table.ts';

interface View {
  readonly table: DocumentTable;
  readonly partition: number;
}

const stateOf = ({ table, partition }: View): Readonly<Record<string, string>> =>
  Object.fromEntries([
    ...FLOOR_IDS.map((id) => [id, table.floor(partition, id)] as const)
      .filter(([, version]) => version !== undefined)
      .map(([id, version]) => [id, `floor ${version}`]),
    ...documentsIn(table, partition).map(({ record }) => [
      record.documentId,
      `${record.kind} ${record.version} ${record.text}`,
    ]),
  ]);

const fold = async ({ table, partition }: View, records: readonly LoggedDocument[]) => {
  const folded = foldDocuments(await applyFloors(table, partition, records), partition, records);
  const { documents, floors, removed } = folded;
  table.write({ partition, position: (records.at(-1)?.offset ?? -1) + 1, documents, floors, removed });
  return folded;
};

/** Cuts a log into batches at the given places. */
const batchesOf = (
  log: readonly LoggedDocument[],
  cuts: ReadonlySet<number>,
): readonly LoggedDocument[][] => {
  const batches: LoggedDocument[][] = [[]];
  for (const [at, logged] of log.entries()) {
    if (cuts.has(at)) batches.push([]);
    batches.at(-1)?.push(logged);
  }
  return batches.filter((batch) => batch.length > 0);
};

/** With the bytes that a log has of each: a table stores these, so long as nothing was taken from the record. */
const logged = (records: readonly Document[]): readonly LoggedDocument[] =>
  records.map((record, offset) => ({
    ...{ record, offset },
    body: encodeStored({ record, offset }).subarray(STORED_HEADER_BYTES),
  }));

const cutPlaces = fc.uniqueArray(fc.nat(25)).map((places) => new Set(places));
const shuffled = history.chain((events) => fc.tuple(fc.constant(events), deliveries(events), cutPlaces));

/** A partition's life: records appended by whoever, the owner reading on, and compaction of what it has read. */
type Act =
  | { readonly act: 'append'; readonly event: number }
  | { readonly act: 'read'; readonly records: number }
  | { readonly act: 'compact'; readonly upTo: number }
  | { readonly act: 'lose-table' };
const acts = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.nat(30).map((event): Act => ({ act: 'append', event })) },
    {
      weight: 4,
      arbitrary: fc.integer({ min: 1, max: 6 }).map((records): Act => ({ act: 'read', records })),
    },
    { weight: 2, arbitrary: fc.nat(60).map((upTo): Act => ({ act: 'compact', upTo })) },
    { weight: 1, arbitrary: fc.constant<Act>({ act: 'lose-table' }) },
  ),
  { maxLength: 40 },
);

const compacted = (log: readonly LoggedDocument[], upTo: number): LoggedDocument[] => {
  const last = new Map(
    log.filter(({ offset }) => offset < upTo).map(({ record, offset }) => [record.documentId, offset]),
  );
  return log.filter(({ record, offset }) => offset >= upTo || last.get(record.documentId) === offset);
};

const properties = (newView: () => View, numRuns: number): void => {
  test('any order, repetition and batching ends where the order of commits does (I1)', async () => {
    await fc.assert(
      fc.asyncProperty(shuffled, async ([events, delivered, cuts]) => {
        const view = newView();
        for (const batch of batchesOf(logged(delivered), cuts)) await fold(view, batch);
        expect(stateOf(view)).toEqual(truthOf(events.map(recordOf)));
        const inOrder = newView();
        await fold(inOrder, logged(events.map(recordOf)));
        expect(stateOf(view)).toEqual(stateOf(inOrder));
      }),
      { numRuns },
    );
  });

  test('no version goes back, and what was deleted is never back, not at any prefix (I4, I5)', async () => {
    await fc.assert(
      fc.asyncProperty(shuffled, async ([, delivered, cuts]) => {
        const view = newView();
        const highest = new Map<string, string>();
        const seen: Document[] = [];
        for (const batch of batchesOf(logged(delivered), cuts)) {
          await fold(view, batch);
          seen.push(...batch.map(({ record }) => record));
          expect(stateOf(view)).toEqual(truthOf(seen));
          for (const { record } of documentsIn(view.table, view.partition)) {
            expect(record.version >= (highest.get(record.documentId) ?? '')).toBe(true);
            highest.set(record.documentId, record.version);
            const overtaken = seen.some(
              (each) =>
                each.version > record.version &&
                (each.kind === 'floor' ? each.table === record.table : each.documentId === record.documentId),
            );
            expect(overtaken).toBe(false);
          }
        }
      }),
      { numRuns },
    );
  });

  test('compacted at any time, as long as the owner has read on, the log rebuilds to the same state (rule C)', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(historyEvent, { minLength: 1, maxLength: 10 }),
        acts,
        async (events, life) => {
          const records = events.map(recordOf);
          const appended: Document[] = [];
          let log: LoggedDocument[] = [];
          let owner = newView();
          let end = 0;
          let position = 0;
          const append = (record: Document): void => {
            log.push({ record, offset: end });
            appended.push(record);
            end += 1;
          };
          const readOn = async (most: number): Promise<void> => {
            const batch = log.filter(({ offset }) => offset >= position).slice(0, most);
            const { again } = await fold(owner, batch);
            position = (batch.at(-1)?.offset ?? position - 1) + 1;
            for (const record of again) append(record);
          };
          const readToEnd = async (): Promise<void> => {
            let rounds = 0;
            while (position < end) {
              await readOn(5);
              rounds += 1;
              // It must come to rest: what it appends again is no reason to append again.
              expect(rounds).toBeLessThan(200);
            }
          };
          for (const each of life) {
            if (each.act === 'append') {
              const record = records[each.event % records.length];
              if (record) append(record);
            } else if (each.act === 'read') await readOn(each.records);
            else if (each.act === 'compact') {
              // min.compaction.lag.ms leaves the owner a day to append again what it must.
              await readToEnd();
              log = compacted(log, each.upTo);
            } else {
              owner = newView();
              position = 0;
            }
          }
          await readToEnd();
          for (const upTo of [0, Math.floor(end / 2), end]) {
            const rebuilt = newView();
            await fold(rebuilt, compacted(log, upTo));
            expect(stateOf(rebuilt)).toEqual(truthOf(appended));
            expect(stateOf(rebuilt)).toEqual(stateOf(owner));
          }
        },
      ),
      { numRuns },
    );
  });

  test('a marker that ended is held by nobody, wherever a reader stood when the log was compacted; what is newer stays', async () => {
    const scenario = fc.record({
      before: shuffled,
      after: fc.array(historyEvent, { maxLength: 6 }),
      /** Ends that come once more, by a zombie, behind so many of what came after. */
      late: fc.array(fc.nat(6), { maxLength: 3 }),
      stoodAt: fc.nat(40),
      upTo: fc.nat(60),
    });
    await fc.assert(
      fc.asyncProperty(scenario, async ({ before: [, delivered, cuts], after, late, stoodAt, upTo }) => {
        const log: LoggedDocument[] = [];
        const owner = newView();
        let position = 0;
        const append = (record: Document, ended = false): void => {
          log.push({ record, offset: log.length, ended });
        };
        const readToEnd = async (): Promise<void> => {
          while (position < log.length) {
            const { again } = await fold(owner, log.slice(position, position + 5));
            position = Math.min(position + 5, log.length);
            for (const record of again) append(record);
          }
        };
        for (const record of delivered) append(record);
        await readToEnd();
        const ended = [...owner.table.deleted(owner.partition, '')].map(({ record }) => record);
        for (const record of ended) append(record, true);
        await readToEnd();
        expect([...owner.table.deleted(owner.partition, '')]).toEqual([]);
        const newer = after.map((event, at) => recordOf(event, 100 + at));
        for (const [at, record] of newer.entries()) {
          append(record);
          if (at % 2 === 0) await readToEnd();
          if (late.includes(at)) for (const each of ended) append(each, true);
        }
        await readToEnd();

        const endOf = new Map(ended.map((record) => [record.documentId, record.version]));
        const standing = [...delivered, ...newer].filter(
          ({ documentId, version }) => version > (endOf.get(documentId) ?? ''),
        );
        expect(stateOf(owner)).toEqual(truthOf(standing));
        const whole = newView();
        for (const batch of batchesOf(log, cuts)) await fold(whole, batch);
        expect(stateOf(whole)).toEqual(stateOf(owner));
        const left = compacted(log, upTo);
        const reader = newView();
        for (const batch of batchesOf(log.slice(0, stoodAt), cuts)) await fold(reader, batch);
        await fold(
          reader,
          left.filter(({ offset }) => offset >= stoodAt),
        );
        expect(stateOf(reader)).toEqual(stateOf(owner));
        // Once the ends have gone too, a rebuild from the start finds nothing of what ended.
        const rebuilt = newView();
        await fold(
          rebuilt,
          left.filter((each) => !each.ended || each.offset >= upTo),
        );
        expect(stateOf(rebuilt)).toEqual(stateOf(owner));
      }),
      { numRuns },
    );
  });
};

describe('over the model of a table', () => {
  properties(() => ({ table: createMemoryDocumentTable(), partition: 3 }), 1_500);
});

describe('over the table on disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'freshet-fold-'));
  let table: DocumentTable;
  let partition = 0;
  beforeAll(async () => {
    table = await openLmdbDocumentTable({ folder });
  });
  afterAll(async () => {
    await table.close();
    rmSync(folder, { recursive: true, force: true });
  });
  // Every run takes a partition of its own: runs beside each other in one table must not see each other.
  properties(() => {
    partition += 1;
    return { table, partition };
  }, 40);
});

test('a record that is applied says so, once', () => {
  const table = createMemoryDocumentTable();
  const first = recordOf({ kind: 'document', table: 'public.a', key: 1 }, 5);
  const older = recordOf({ kind: 'document', table: 'public.a', key: 1 }, 4);
  const { applied, again } = foldDocuments(table, 0, logged([first, first, older]));
  expect(applied).toEqual([true, false, false]);
  expect(again).toEqual([first]);
});
