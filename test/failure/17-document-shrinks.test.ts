/** Fault 17: a document shrinks from 10 chunks to 3 and the index is killed at each of its writes: whole or not at all, no orphans. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RUN_TYPESCRIPT } from '../../connectors/typescript/run-typescript.ts';
import { applyDocuments, removeStale } from '../../pipelines/apply-index/apply-documents.ts';
import { openGenerations } from '../../pipelines/apply-index/generations.ts';
import { DIMENSIONS, rowsOf, versionOf } from './shrinking-document.ts';

const WRITER = new URL('shrinking-writer.ts', import.meta.url).pathname;
/** Runs the writer; whether it was killed before its n-th write, or had fewer to make. */
const applyUntil = (folder: string, chunks: number, offset: number, dieAt: number): boolean => {
  const { status, signal, stderr } = spawnSync(
    process.execPath,
    [...RUN_TYPESCRIPT, WRITER, folder, String(chunks), String(offset), String(dieAt)],
    { encoding: 'utf8' },
  );
  if (status !== 0 && signal !== 'SIGKILL') throw new Error(stderr);
  return signal === 'SIGKILL';
};
test.each([
  ['shrinks', 10, 3],
  ['grows', 3, 10],
])(
  'a document that %s, killed before each write in turn',
  async (_, before, after) => {
    const [old, fresh, last] = [versionOf(1, before), versionOf(2, after), versionOf(3, 2)];
    const begun = mkdtempSync(join(tmpdir(), 'freshet-shrinks-'));
    onTestFinished(() => rmSync(begun, { recursive: true, force: true }));
    const first = await openGenerations({
      folder: begun,
      dimensions: DIMENSIONS,
      onDiscarded: () => undefined,
    });
    await applyDocuments(first.serving(), [
      { partition: 0, position: 2, records: [{ record: old, offset: 1 }] },
    ]);
    await first.close();
    let killed = true;
    let dieAt = 1;
    for (; killed; dieAt += 1) {
      const folder = mkdtempSync(join(tmpdir(), 'freshet-shrinks-'));
      try {
        cpSync(begun, folder, { recursive: true });
        killed = applyUntil(folder, after, 2, dieAt);
        const generations = await openGenerations({
          folder,
          dimensions: DIMENSIONS,
          onDiscarded: () => undefined,
        });
        const { table, index } = generations.serving();
        // As the crash left it: one version whole, every chunk of it there to be found, and no other chunk visible.
        const held = table.get(0, old.documentId)?.record;
        expect([old.version, fresh.version]).toContain(held?.version);
        const visible = new Set(held ? rowsOf(held) : []);
        expect(await index.has([...visible].map((id) => ({ id, tenant: 'acme' })))).toEqual(visible);
        for (const row of [...rowsOf(old), ...rowsOf(fresh)])
          expect(table.origin(row) !== undefined).toBe(visible.has(row));
        expect(table.position(0)).toBe(held?.version === fresh.version ? 3 : 2);
        // Started again, it cleans up and takes on what came meanwhile: the version it died over may be overtaken by now.
        await removeStale({ table, index });
        const records = [
          { record: fresh, offset: 2 },
          { record: last, offset: 3 },
        ];
        await applyDocuments({ table, index }, [{ partition: 0, position: 4, records }]);
        const rows: string[] = [];
        for await (const row of index.ids()) rows.push(row);
        expect(rows.sort()).toEqual([...rowsOf(last)].sort());
        expect([...table.staleRows()]).toEqual([]);
        for (const row of rowsOf(last))
          expect(table.origin(row)).toMatchObject({ documentId: last.documentId });
        await generations.close();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
    // Stale rows first, rows, the switch, what is left behind, and its note.
    expect(dieAt - 2).toBe(5);
  },
  120_000,
);
