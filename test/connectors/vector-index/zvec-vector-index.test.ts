import { mkdtempSync, rmSync } from 'node:fs';
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

const open = (folder: string, buildAfterRows = 5_000): Promise<ZvecVectorIndex> =>
  openZvecVectorIndex({ folder, dimensions: DIMENSIONS, buildAfterRows });

const built = async (index: ZvecVectorIndex): Promise<void> => {
  while (index.build.running) await new Promise((resolve) => setTimeout(resolve, 10));
};

for (const buildAfterRows of [5_000, 20]) {
  describeVectorIndex(`zvec, built after ${buildAfterRows} rows`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'freshet-zvec-'));
    return {
      open: (): Promise<VectorIndex> => open(folder, buildAfterRows),
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
      const [hit] = await index.query({ vector: vectorOf(7), topK: 1, tenant: 'acme' });
      expect(hit?.id).toBe(rowId(7));
      await index.close();
    } finally {
      disk.unmount();
    }
  });
});
