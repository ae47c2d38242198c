/** The table against plain maps, through any order of writes, clears and restarts. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { ChunkOrigin, StoredDocument } from '../../../connectors/document-table/document-table.ts';
import { openLmdbDocumentTable } from '../../../connectors/document-table/lmdb-document-table.ts';
import { storedDocument } from './table-records.ts';

/** One a prefix of another, percent signs, every boundary that a key has: ids longer than LMDB's keys are among them. */
const LONG = 'k'.repeat(1_800);
const IDS = [
  'a',
  'a/',
  'a/b',
  'a/b/1',
  'a/b/10',
  'a/b/2',
  'a%2Fb/1',
  'a%',
  '鍵/é',
  LONG,
  `${LONG}x`,
  `${LONG}y`,
];
const ROWS = ['00', '01', '02', '03', '04'];
const id = fc.constantFrom(...IDS);
const partition = fc.nat(2);

const writing = fc.record({
  what: fc.constant('write' as const),
  partition,
  position: fc.nat(1_000),
  documents: fc.array(
    fc.record({ id, offset: fc.nat(1_000), kind: fc.constantFrom('document', 'deleted', 'refused') }),
    { maxLength: 4 },
  ),
  removed: fc.array(id, { maxLength: 3 }),
  floors: fc.array(
    fc.record({ id: fc.constantFrom('/floor/a', '/floor/b'), version: fc.constantFrom('1', '2') }),
  ),
  rows: fc.array(fc.record({ rowId: fc.constantFrom(...ROWS), id, chunk: fc.nat(3) }), { maxLength: 3 }),
  staleRows: fc.array(
    fc.record({ id: fc.constantFrom(...ROWS), tenant: fc.constantFrom('acme', 'brim', null) }),
    { maxLength: 3 },
  ),
});
const command = fc.oneof(
  { weight: 8, arbitrary: writing },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constant('forget' as const), rowId: fc.constantFrom(...ROWS) }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('clear' as const), partition }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('reopen' as const) }) },
);

class Model {
  readonly documents = new Map<string, StoredDocument>();
  readonly floors = new Map<string, string>();
  readonly origins = new Map<string, ChunkOrigin>();
  readonly stale = new Map<string, string | null>();
  readonly positions = new Map<number, number>();
}
const key = (part: number, name: string): string => `${part} ${name}`;

it('holds what plain maps would hold', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
      const folder = mkdtempSync(join(tmpdir(), 'freshet-table-'));
      let table = await openLmdbDocumentTable({ folder });
      const model = new Model();
      try {
        for (const step of commands) {
          if (step.what === 'reopen') {
            await table.close();
            table = await openLmdbDocumentTable({ folder });
            expect(table.fresh).toBeUndefined();
          } else if (step.what === 'forget') {
            table.forgetStaleRows([step.rowId]);
            model.stale.delete(step.rowId);
          } else if (step.what === 'clear') {
            table.clear(step.partition);
            const own = (name: string): boolean => name.startsWith(`${step.partition} `);
            for (const name of [...model.documents.keys()].filter(own)) model.documents.delete(name);
            for (const name of [...model.floors.keys()].filter(own)) model.floors.delete(name);
            for (const [rowId, origin] of [...model.origins].filter(
              ([, o]) => o.partition === step.partition,
            )) {
              expect(origin.partition).toBe(step.partition);
              model.origins.delete(rowId);
              model.stale.set(rowId, null);
            }
            model.positions.delete(step.partition);
          } else {
            const documents = step.documents.map((one) =>
              storedDocument(one.id, one.offset, { kind: one.kind }, [Float32Array.of(one.offset, 1)]),
            );
            const rows = step.rows.map(({ rowId, id: documentId, chunk }) => ({
              rowId,
              origin: { partition: step.partition, documentId, chunk },
            }));
            const { removed, staleRows, position } = step;
            const floors = step.floors.map((floor) => ({ ...floor, offset: 0 }));
            table.write({ partition: step.partition, position, documents, removed, floors, rows, staleRows });
            for (const name of removed) model.documents.delete(key(step.partition, name));
            for (const one of documents) model.documents.set(key(step.partition, one.record.documentId), one);
            for (const floor of floors) model.floors.set(key(step.partition, floor.id), floor.version);
            for (const { id: rowId, tenant } of staleRows) {
              model.origins.delete(rowId);
              model.stale.set(rowId, tenant);
            }
            for (const { rowId, origin } of rows) {
              model.stale.delete(rowId);
              model.origins.set(rowId, origin);
            }
            model.positions.set(step.partition, position);
          }
          for (const part of [0, 1, 2]) {
            const held = IDS.flatMap((name) => model.documents.get(key(part, name)) ?? []);
            for (const name of IDS) {
              const expected = model.documents.get(key(part, name));
              expect(table.get(part, name)).toEqual(expected);
              const standing = expected && {
                version: expected.record.version,
                kind: expected.record.kind,
                offset: expected.offset,
              };
              const found = table.standing(part, name);
              expect(found && { version: found.version, kind: found.kind, offset: found.offset }).toEqual(
                standing,
              );
            }
            const markers = held.filter(({ record }) => record.kind !== 'document').length;
            expect(table.count(part)).toEqual({ documents: held.length - markers, markers });
            expect(table.position(part)).toBe(model.positions.get(part));
            for (const prefix of ['', 'a', 'a/b/1', 'a%', LONG]) {
              const expected = held
                .map(({ record }) => record.documentId)
                .filter((name) => name.startsWith(prefix));
              const standing: string[] = [];
              for (let after: string | undefined; ; after = standing.at(-1)) {
                const slice = table.standings(part, prefix, { after, most: 2 });
                standing.push(...slice.map(({ documentId }) => documentId));
                for (const { documentId, ...each } of slice)
                  expect(each).toEqual(table.standing(part, documentId));
                if (slice.length < 2) break;
              }
              expect(standing.toSorted()).toEqual(expected.toSorted());
              const deleted = [...table.deleted(part, prefix)].map(({ record }) => record.documentId);
              expect(deleted.toSorted()).toEqual(
                held
                  .filter(({ record }) => record.documentId.startsWith(prefix) && record.kind === 'deleted')
                  .map(({ record }) => record.documentId)
                  .toSorted(),
              );
            }
            for (const name of ['/floor/a', '/floor/b'])
              expect(table.floor(part, name)).toBe(model.floors.get(key(part, name)));
          }
          const refused = [...model.documents.values()].filter(({ record }) => record.kind === 'refused');
          const told = [...table.refusals('acme', 'helpcentre')];
          expect(told.map(({ version }) => version)).toEqual(
            told.map(({ version }) => version).toSorted((a, b) => (a < b ? 1 : -1)),
          );
          const ids = (of: readonly { readonly documentId: string }[]) =>
            [...new Set(of.map(({ documentId }) => documentId))].sort();
          expect(ids(told)).toEqual(ids(refused.map(({ record }) => record)));
          for (const [tenant, source] of [
            ['brim', 'helpcentre'],
            ['acme', 'shop'],
          ] as const)
            expect([...table.refusals(tenant, source)]).toEqual([]);
          for (const rowId of ROWS) expect(table.origin(rowId)).toEqual(model.origins.get(rowId));
          expect([...table.staleRows()].map((row) => [row.id, row.tenant]).toSorted()).toEqual(
            [...model.stale].toSorted(),
          );
        }
      } finally {
        await table.close();
        rmSync(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: 40 },
  );
});
