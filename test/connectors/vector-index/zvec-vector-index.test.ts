import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VectorIndex } from '../../../connectors/vector-index/vector-index.ts';
import {
  openZvecVectorIndex,
  type ZvecVectorIndex,
} from '../../../connectors/vector-index/zvec-vector-index.ts';
import { mountSmallDisk } from './small-disk.ts';
import { describeVectorIndex } from './vector-index-conformance.ts';
import { collect, DIMENSIONS, nearest, placeOf, rowId, rowOf, rowsOf, vectorOf } from './vector-rows.ts';

const open = (folder: string, buildAfterRows = 5_000, smallBesideRows = 100_000): Promise<ZvecVectorIndex> =>
  openZvecVectorIndex({ folder, dimensions: DIMENSIONS, buildAfterRows, smallBesideRows });

const graphsOf = (folder: string): Readonly<Record<string, number>> =>
  JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'));

const built = async (index: ZvecVectorIndex): Promise<void> => {
  while (index.build.running) await new Promise((resolve) => setTimeout(resolve, 10));
};

for (const [buildAfterRows, smallBesideRows] of [
  [5_000, 100_000],
  [20, 100_000],
  [20, 40],
] as const) {
  describeVectorIndex(`zvec, built after ${buildAfterRows} rows, from ${smallBesideRows} apart`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'freshet-zvec-'));
    return {
      open: (): Promise<VectorIndex> => open(folder, buildAfterRows, smallBesideRows),
      dispose: async () => rmSync(folder, { recursive: true, force: true }),
    };
  });
}

describe('the zvec index', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'freshet-zvec-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('answers exactly topK to a tenant of 40 rows among 6,000, before the build, during it and after', async () => {
    const index = await open(folder, 3_000);
    const few = rowsOf(40, 'few', 100_000);
    await index.upsert(few);
    const check = async (): Promise<void> => {
      for (let question = 0; question < 20; question += 1) {
        const vector = vectorOf(500_000 + question);
        const hits = await index.query({ vector, topK: 10, tenant: 'few' });
        expect(hits.map(({ id }) => id)).toEqual(nearest(few, vector, 10));
      }
    };
    await index.upsert(rowsOf(2_900, 'many'));
    expect(index.build.running).toBe(false);
    await check();
    await index.upsert(rowsOf(3_060, 'many', 2_900));
    expect(index.build.running).toBe(true);
    await check();
    await built(index);
    expect(index.build.failure).toBeUndefined();
    await check();
    await index.close();
  });

  it('builds while rows are written, loses none and finds them all', async () => {
    const index = await open(folder, 500);
    const rows = rowsOf(3_000);
    for (let start = 0; start < rows.length; start += 100) {
      await index.upsert(rows.slice(start, start + 100));
      await index.remove([placeOf(start)]);
      const [hit] = await index.query({ vector: vectorOf(start + 1), topK: 1, tenant: 'acme' });
      expect(hit?.id).toBe(rowId(start + 1));
    }
    await built(index);
    expect(await index.count()).toBe(2_970);
    expect(new Set(await collect(index.ids())).size).toBe(2_970);
    let found = 0;
    for (let number = 1; number < 3_000; number += 7) {
      if (number % 100 === 0) continue;
      const [hit] = await index.query({ vector: vectorOf(number), topK: 1, tenant: 'acme' });
      if (hit?.id === rowId(number)) found += 1;
    }
    expect(found).toBeGreaterThanOrEqual(420);
    await index.close();
  });

  it('holds what is in the large graph, in the small one, removed from either and added again, opened anew each time', async () => {
    const held = new Map<number, string>();
    const seen = new Set<string>();
    let index = await open(folder, 60, 400);
    const check = async (): Promise<void> => {
      expect(await index.count()).toBe(held.size);
      expect((await collect(index.ids())).toSorted()).toEqual([...held.values()].toSorted());
      for (const [number, id] of [...held].filter((_, place) => place % 61 === 0)) {
        const hits = await index.query({ vector: vectorOf(number), topK: 5, tenant: 'acme' });
        expect(new Set(hits.map((hit) => hit.id)).size).toBe(hits.length);
        expect(hits[0]?.id).toBe(id);
      }
    };
    for (let round = 0; round < 20; round += 1) {
      const from = (round * 137) % 1_500;
      const numbers = Array.from({ length: round === 0 ? 1_500 : 60 }, (_, place) => from + place);
      await index.upsert(numbers.map((number) => rowOf(number)));
      for (const number of numbers) held.set(number, rowId(number));
      const gone = numbers.filter((_, place) => place % 4 === round % 4);
      await index.remove(gone.map((number) => placeOf(number)));
      for (const number of gone) held.delete(number);
      if (round % 2 === 0) await built(index);
      const { graph, small } = graphsOf(folder);
      seen.add(`${graph === 0 ? 'no' : 'a'} large, ${small === 0 ? 'no' : 'a'} small`);
      if (round % 5 !== 4) continue;
      await check();
      await index.close();
      index = await open(folder, 60, 400);
      await check();
    }
    expect(index.build.failure).toBeUndefined();
    expect(seen).toEqual(new Set(['a large, no small', 'a large, a small']));
    await index.close();
    expect(readdirSync(folder).filter((name) => name.startsWith('removed-'))).toHaveLength(1);
  });

  it('notes what is removed from the next large graph while that is built, and forgets none of it', async () => {
    let index = await open(folder, 1_500, 1_500);
    await index.upsert(rowsOf(1_500));
    expect(index.build.running).toBe(true);
    await index.remove(rowsOf(600));
    expect(index.build.running).toBe(true);
    // An id takes 16 bytes, its kind one, and a head twelve.
    expect(statSync(join(folder, 'removed-1')).size).toBe(600 * 29);
    await built(index);
    expect(index.build.failure).toBeUndefined();
    await index.remove(rowsOf(10, 'acme', 600));
    expect(statSync(join(folder, 'removed-1')).size).toBe(610 * 29);
    await index.close();
    index = await open(folder, 1_500, 1_500);
    expect(await index.count()).toBe(890);
    expect(await index.has(rowsOf(610))).toEqual(new Set());
    await index.close();
  });

  it('closed for good, gives up the build under way', async () => {
    const index = await open(folder, 3_000);
    await index.upsert(rowsOf(6_000, 'many'));
    expect(index.build.running).toBe(true);
    await index.close({ forGood: true });
    expect(index.build.failure?.message).toMatch(/its process (ended|takes no orders)/);
    // Whoever comes next begins anew.
    const again = await openZvecVectorIndex({ folder, dimensions: DIMENSIONS, discard: true });
    expect(await again.count()).toBe(0);
    await again.close();
  });

  it('lists what there was when it was asked, however many builds end meanwhile', async () => {
    const index = await open(folder, 50, 200);
    await index.upsert(rowsOf(1_200));
    await built(index);
    await index.upsert(rowsOf(50, 'acme', 2_000));
    await built(index);
    expect(graphsOf(folder).small).toBeGreaterThan(0);
    const listing = index.ids()[Symbol.asyncIterator]();
    const listed = [(await listing.next()).value];
    await index.upsert(rowsOf(50, 'acme', 3_000));
    await built(index);
    await index.upsert(rowsOf(100, 'acme', 4_000));
    await built(index);
    expect(graphsOf(folder).small).toBe(0);
    // Graphs that are replaced are asked every 50 ms whether a listing still reads them.
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (let next = await listing.next(); !next.done; next = await listing.next()) listed.push(next.value);
    expect(new Set(listed).size).toBe(1_250);
    await index.close();
  });

  it('opens what the release before left, and forgets no removal', async () => {
    let index = await open(folder, 100, 100);
    await index.upsert(rowsOf(1_200));
    await built(index);
    await index.remove(rowsOf(30));
    await index.close();
    const { small: _, ...manifest } = graphsOf(folder);
    writeFileSync(join(folder, 'index.json'), JSON.stringify({ ...manifest, format: 1 }));
    rmSync(join(folder, `removed-${manifest.graph}`));

    index = await open(folder, 100, 100);
    expect(await index.count()).toBe(1_170);
    await index.upsert(rowsOf(100, 'acme', 5_000));
    await built(index);
    await index.close();
    expect(graphsOf(folder)).toMatchObject({ format: 2, graph: manifest.graph });
    expect(graphsOf(folder).small).toBeGreaterThan(0);
    index = await open(folder, 100, 100);
    expect(await index.count()).toBe(1_270);
    expect(await index.has(rowsOf(30))).toEqual(new Set());
    await index.close();
  });

  it('does not go on without knowing what was removed', async () => {
    const index = await open(folder, 100);
    await index.upsert(rowsOf(120));
    await built(index);
    await index.close();
    rmSync(join(folder, `removed-${graphsOf(folder).graph}`));
    await expect(open(folder)).rejects.toMatchObject({ code: 'index-corrupt' });
  });

  it('is clear to whom it is closed: another opening says index-unavailable, and discards nothing', async () => {
    const index = await open(folder);
    await index.upsert([rowOf(1)]);
    await expect(open(folder)).rejects.toMatchObject({ code: 'index-unavailable' });
    await expect(
      openZvecVectorIndex({ folder, dimensions: DIMENSIONS, discard: true }),
    ).rejects.toMatchObject({ code: 'index-unavailable' });
    expect(await index.count()).toBe(1);
    await index.close();
    const again = await open(folder);
    expect(await again.count()).toBe(1);
    await again.close();
    await again.close();
  });

  it('names the model when it holds vectors of another size, and begins anew when told to', async () => {
    await (await open(folder)).close();
    await expect(openZvecVectorIndex({ folder, dimensions: 7 })).rejects.toMatchObject({
      code: 'config-invalid',
    });
    const index = await openZvecVectorIndex({ folder, dimensions: 7, discard: true });
    expect(await index.count()).toBe(0);
    await index.close();
  });

  it('ends a listing with an error when it is closed under way, instead of waiting for it', async () => {
    const index = await open(folder);
    await index.upsert(rowsOf(50));
    const listing = index.ids()[Symbol.asyncIterator]();
    await listing.next();
    await index.close();
    await expect(listing.next()).rejects.toMatchObject({ code: 'index-unavailable' });
  });

  it('26: says disk-full, answers on, and goes on writing when space is back', async (context) => {
    const disk = mountSmallDisk(100);
    if (disk === undefined) return context.skip();
    try {
      const index = await open(join(disk.folder, 'index'));
      await index.upsert(rowsOf(100));
      disk.fill(100_000);
      const many = rowsOf(2_000, 'acme', 1_000);
      await expect(index.upsert(many)).rejects.toMatchObject({ code: 'disk-full' });
      expect(await index.query({ vector: vectorOf(5), topK: 3, tenant: 'acme' })).toHaveLength(3);
      disk.empty();
      await index.upsert(many);
      await index.close();
      const again = await open(join(disk.folder, 'index'));
      expect(await again.count()).toBe(2_100);
      await again.close();
    } finally {
      disk.unmount();
    }
  });

  it('26: builds nothing on a disk without room for it, and serves all the same', async (context) => {
    const disk = mountSmallDisk(100);
    if (disk === undefined) return context.skip();
    try {
      disk.fill(50_000_000);
      const index = await open(join(disk.folder, 'index'), 50);
      await index.upsert(rowsOf(100));
      await built(index);
      expect(index.build.failure).toMatchObject({ code: 'disk-full' });
      expect(
        readdirSync(join(disk.folder, 'index')).filter((name) => /^(graph|removed)-/.test(name)),
      ).toEqual([]);
      const [hit] = await index.query({ vector: vectorOf(7), topK: 1, tenant: 'acme' });
      expect(hit?.id).toBe(rowId(7));
      await index.close();
    } finally {
      disk.unmount();
    }
  });
});
