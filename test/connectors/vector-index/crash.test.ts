import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openZvecVectorIndex } from '../../../connectors/vector-index/zvec-vector-index.ts';
import { linesUntilKilled } from './killed-writer.ts';
import { collect, DIMENSIONS, OFTEN_BUILT, OLD, placeOf, rowId, vectorOf } from './vector-rows.ts';

const SCRIPT = new URL('writing-child.ts', import.meta.url);

it('keeps what it acknowledged when its process is killed: rows are found, removed ones stay removed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'freshet-zvec-killed-'));
  const there = new Set<number>();
  const gone = new Set<number>();
  try {
    let next = 0;
    let killedWithBoth = false;
    for (const delay of [3, 200, 700, 1_100, 1_600, 2_100]) {
      const lines = await linesUntilKilled(SCRIPT, [folder, String(next)], delay);
      for (const line of lines) {
        const [what, number = ''] = line.split(' ');
        const start = Number(number);
        if (what === 'upserted') for (let row = start; row < start + 10; row += 1) there.add(row);
        else gone.add(start);
        next = Math.max(next, start - (start % 10) + 10);
      }
      // A removal under way when the process was killed was not acknowledged: it may be done or not, here and in every later round.
      for (const row of [next - 7, next - 10 - OLD]) if (there.has(row) && !gone.has(row)) there.delete(row);
      const { graph = 0, small = 0 } = existsSync(join(folder, 'index.json'))
        ? JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'))
        : {};
      killedWithBoth ||= graph > 0 && small > 0;
      const index = await openZvecVectorIndex({ folder, dimensions: DIMENSIONS, ...OFTEN_BUILT });
      const expected = [...there].filter((row) => !gone.has(row));
      const held = await index.has(expected.map((row) => placeOf(row)));
      expect(expected.filter((row) => !held.has(rowId(row)))).toEqual([]);
      expect(await index.has([...gone].map((row) => placeOf(row)))).toEqual(new Set());
      expect(new Set(await collect(index.ids())).size).toBe(await index.count());
      for (const row of expected.filter((_, place) => place % 97 === 0)) {
        const [hit] = await index.query({ vector: vectorOf(row), topK: 1, tenant: 'acme' });
        expect(hit?.id).toBe(rowId(row));
      }
      await index.close();
    }
    expect(there.size).toBeGreaterThan(2_000);
    expect(killedWithBoth).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
