/** What every VectorIndex does, whichever engine: call it in a test file with a factory. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { VectorIndex } from '../../../connectors/vector-index/vector-index.ts';
import {
  collect,
  cosine,
  DIMENSIONS,
  nearest,
  placeOf,
  rowId,
  rowOf,
  rowsOf,
  vectorOf,
} from './vector-rows.ts';

export interface IndexPlace {
  /** Opens what this place holds, empty the first time. Called again only after the one before was closed. */
  open(): Promise<VectorIndex>;
  dispose(): Promise<void>;
}

const HOSTILE = [
  `o'neil`,
  `' or 1=1 --`,
  `') or tenant != ('`,
  'a"b\\',
  'newline\nin it',
  'nul\u0000byte',
  '鍵🔑',
  '__proto__',
  'constructor',
  '',
  ' ',
  'x'.repeat(5_000),
];

export const describeVectorIndex = (engine: string, makePlace: () => Promise<IndexPlace>): void => {
  describe(`a vector index: ${engine}`, () => {
    let place: IndexPlace;
    let index: VectorIndex;
    const idsFor = async (
      tenant: string,
      tags?: readonly string[],
      topK = 10,
    ): Promise<readonly string[]> => {
      const hits = await index.query({ vector: vectorOf(0), topK, tenant, ...(tags && { tags }) });
      return hits.map(({ id }) => id);
    };

    beforeEach(async () => {
      place = await makePlace();
      index = await place.open();
    });
    afterEach(async () => {
      await index.close();
      await place.dispose();
    });

    it('answers nothing from an empty index', async () => {
      expect(await index.count()).toBe(0);
      expect(await idsFor('acme')).toEqual([]);
      expect(await collect(index.ids())).toEqual([]);
      expect(await index.has([placeOf(1)])).toEqual(new Set());
      await index.upsert([]);
      await index.remove([]);
      await index.remove([placeOf(1)]);
    });

    it('finds a row as soon as its upsert resolved, best first, scored by cosine similarity', async () => {
      const rows = rowsOf(50);
      await index.upsert(rows);
      const asked = vectorOf(1_000);
      const hits = await index.query({ vector: asked, topK: 5, tenant: 'acme' });
      expect(hits.map(({ id }) => id)).toEqual(nearest(rows, asked, 5));
      for (const { id, score } of hits) {
        const row = rows.find((held) => held.id === id);
        expect(score).toBeCloseTo(row ? cosine(row.vector, asked) : Number.NaN, 5);
      }
      const [self] = await index.query({ vector: vectorOf(7), topK: 1, tenant: 'acme' });
      expect(self?.id).toBe(rowId(7));
      expect(self?.score).toBeCloseTo(1, 5);
    });

    it('scores the opposite direction -1 and ignores length', async () => {
      const vector = vectorOf(3);
      await index.upsert([{ ...rowOf(3), vector: vector.map((part) => part * -40) }]);
      const [hit] = await index.query({ vector, topK: 1, tenant: 'acme' });
      expect(hit?.score).toBeCloseTo(-1, 5);
    });

    it('holds a row once however often it is written, in one call or several', async () => {
      await index.upsert([rowOf(1), rowOf(1), rowOf(2)]);
      await index.upsert([rowOf(1)]);
      expect(await index.count()).toBe(2);
      expect(await idsFor('acme')).toHaveLength(2);
      expect([...(await collect(index.ids()))].sort()).toEqual([rowId(1), rowId(2)].sort());
    });

    it('finds no removed row and passes over ids that are not there', async () => {
      await index.upsert(rowsOf(20));
      await index.remove([placeOf(3), placeOf('never there'), placeOf(4), placeOf(4)]);
      expect(await index.count()).toBe(18);
      expect(await idsFor('acme', [], 20)).not.toContain(rowId(3));
      expect(await index.has([placeOf(3), placeOf(4), placeOf(5)])).toEqual(new Set([rowId(5)]));
      await index.upsert([rowOf(3)]);
      expect(await idsFor('acme', [], 20)).toContain(rowId(3));
    });

    it('answers at most topK, and all there are when fewer', async () => {
      await index.upsert(rowsOf(30));
      expect(await idsFor('acme', [], 7)).toHaveLength(7);
      expect(await idsFor('acme', [], 1_000)).toHaveLength(30);
    });

    it('refuses a topK that is no whole number from 1 to 1,000', async () => {
      for (const topK of [0, -1, 1.5, 1_001, Number.NaN]) {
        await expect(index.query({ vector: vectorOf(0), topK, tenant: 'acme' })).rejects.toMatchObject({
          code: 'request-invalid',
        });
      }
    });

    it('refuses vectors of another size or with parts that are not finite, and writes nothing then', async () => {
      const wrong = [
        new Float32Array(DIMENSIONS - 1),
        new Float32Array(0),
        vectorOf(1).fill(Number.NaN, 3, 4),
      ];
      for (const vector of wrong) {
        const refusal = { code: 'request-invalid' };
        await expect(index.upsert([rowOf(8), { ...rowOf(9), vector }])).rejects.toMatchObject(refusal);
        await expect(index.query({ vector, topK: 3, tenant: 'acme' })).rejects.toMatchObject(refusal);
      }
      expect(await index.count()).toBe(0);
    });

    it('I9: shows a tenant its own rows only, whatever the names', async () => {
      for (const [number, tenant] of HOSTILE.entries()) await index.upsert([rowOf(number, tenant)]);
      for (const [number, tenant] of HOSTILE.entries()) expect(await idsFor(tenant)).toEqual([rowId(number)]);
      for (const stranger of ['acme', `x' or tenant = 'o`, '%', '*', "O'NEIL"])
        expect(await idsFor(stranger)).toEqual([]);
    });

    it('requires every tag asked for, whatever the text', async () => {
      for (const [number, tag] of HOSTILE.entries())
        await index.upsert([rowOf(number, 'acme', [tag, 'in=all'])]);
      for (const [number, tag] of HOSTILE.entries()) {
        expect(await idsFor('acme', [tag])).toEqual([rowId(number)]);
        expect(await idsFor('acme', [tag, 'in=all'])).toEqual([rowId(number)]);
        expect(await idsFor('acme', [tag, 'in=none'])).toEqual([]);
        expect(await idsFor('other', [tag])).toEqual([]);
      }
      expect(await idsFor('acme', ['in=all'], 100)).toHaveLength(HOSTILE.length);
      expect(await idsFor('acme', [], 100)).toHaveLength(HOSTILE.length);
      expect(await idsFor('acme', [`') or tags contain_all ('in=all`])).toEqual([]);
    });

    it('answers queries while rows are written and removed', async () => {
      await index.upsert(rowsOf(100));
      let writing = true;
      const writes = (async () => {
        for (let batch = 0; batch < 20; batch += 1) {
          await index.upsert(rowsOf(50, 'acme', 1_000 + batch * 50));
          await index.remove([placeOf(1_000 + batch * 50)]);
        }
        writing = false;
      })();
      while (writing) {
        const [hit] = await index.query({ vector: vectorOf(42), topK: 1, tenant: 'acme' });
        expect(hit?.id).toBe(rowId(42));
      }
      await writes;
      expect(await index.count()).toBe(100 + 20 * 49);
    });

    it('lists and counts what it holds, drops all of it on clear, and goes on', async () => {
      await index.upsert(rowsOf(250));
      expect(new Set(await collect(index.ids())).size).toBe(250);
      for await (const id of index.ids()) {
        await index.remove([{ id, tenant: 'acme' }]);
        break;
      }
      expect(await index.count()).toBe(249);
      await index.clear();
      expect(await index.count()).toBe(0);
      expect(await idsFor('acme')).toEqual([]);
      await index.upsert([rowOf(5)]);
      expect(await idsFor('acme')).toEqual([rowId(5)]);
    });

    it('holds the same rows after it was closed and opened again', async () => {
      await index.upsert(rowsOf(300));
      await index.remove([placeOf(10)]);
      const before = await index.query({ vector: vectorOf(900), topK: 10, tenant: 'acme' });
      await index.close();
      await expect(index.count()).rejects.toMatchObject({ code: 'index-unavailable' });
      index = await place.open();
      expect(await index.count()).toBe(299);
      expect(await index.has([placeOf(10), placeOf(11)])).toEqual(new Set([rowId(11)]));
      const after = await index.query({ vector: vectorOf(900), topK: 10, tenant: 'acme' });
      expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      for (const [place, { score }] of after.entries())
        expect(score).toBeCloseTo(before[place]?.score ?? 9, 5);
    });
  });
};
