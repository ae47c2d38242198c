import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openLmdbDocumentTable } from '../../../connectors/document-table/lmdb-document-table.ts';
import { linesUntilKilled } from '../vector-index/killed-writer.ts';

it('loses nothing that write() returned for when its process is killed, and holds each write whole', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'freshet-table-killed-'));
  try {
    let next = 0;
    const delays = [0, 5, 40, 160];
    // And until every document has been written over, however slow the machine is.
    for (let round = 0; round < delays.length || next <= 500; round += 1) {
      const delay = delays[round] ?? 420;
      const script = new URL('writing-child.ts', import.meta.url);
      const lines = await linesUntilKilled(script, [folder, String(next)], delay);
      const acknowledged = Number(lines.at(-1));
      const table = await openLmdbDocumentTable({ folder });
      expect(table.fresh).toBeUndefined();
      const position = table.position(0) ?? 0;
      // At most the write that was under way is there beyond the last acknowledged one.
      expect(position - 1).toBeGreaterThanOrEqual(acknowledged);
      expect(position - 1).toBeLessThanOrEqual(acknowledged + 1);
      const newest = new Map<string, number>();
      for (let offset = 0; offset < position; offset += 1) {
        for (const place of [0, 1, 2]) newest.set(`a/${(offset * 7 + place) % 500}`, offset);
      }
      expect(table.count(0)).toEqual({ documents: newest.size, markers: 0 });
      for (const [id, offset] of newest) {
        expect(table.standing(0, id)?.offset).toBe(offset);
        expect(table.get(0, id)?.record.text).toHaveLength((offset * 37) % 6_000);
      }
      expect([...table.staleRows()]).toHaveLength(position);
      expect(table.origin(`a/${((position - 1) * 7) % 500}#0`)).toBeDefined();
      next = position;
      await table.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
