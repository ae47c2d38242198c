import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  LmdbDocumentTable,
  openLmdbDocumentTable,
} from '../../../connectors/document-table/lmdb-document-table.ts';
import { openTableFiles } from '../../../connectors/document-table/table-files.ts';
import { tryLock } from '../../../connectors/stack/owner-lock.ts';
import { documentIdOf } from '../../../schemas/document-id.ts';
import { FreshetError } from '../../../schemas/errors.ts';
import type { Document } from '../../../schemas/records.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';
import { documentsIn } from '../../support/documents-in.ts';
import { mountSmallDisk } from '../vector-index/small-disk.ts';
import { storedDocument } from './table-records.ts';

const STALE = ['01', '02', '03'].map((id, at) => ({ id, tenant: at === 0 ? null : 'acme' }));

describe('the document table', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'freshet-table-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const vector = Float32Array.from({ length: 384 }, (_, part) => Math.sin(part));
  const write = (
    table: Awaited<ReturnType<typeof openLmdbDocumentTable>>,
    id: string,
    offset: number,
  ): void =>
    table.write({
      partition: 0,
      position: offset + 1,
      documents: [storedDocument(id, offset, {}, [vector])],
    });

  it('gives back every field of a record', async () => {
    const table = await openLmdbDocumentTable({ folder });
    expect(table.fresh).toBe('new');
    const stored = storedDocument(
      'helpcentre/public.articles/1',
      2 ** 45,
      { tenant: null, reason: 'too-long' },
      [vector],
    );
    table.write({ partition: 7, position: 2 ** 45 + 1, documents: [stored] });
    expect(table.get(7, stored.record.documentId)).toEqual(stored);
    expect(table.get(6, stored.record.documentId)).toBeUndefined();
    expect(table.position(7)).toBe(2 ** 45 + 1);
    await table.close();
  });

  it('knows where the history of a partition ends until that is cleared', async () => {
    const first = await openLmdbDocumentTable({ folder });
    expect(first.historyEnd(0)).toBeUndefined();
    first.write({ partition: 0, position: 0, historyEnd: 70 });
    write(first, 'a/b/1', 1);
    await first.close();
    const table = await openLmdbDocumentTable({ folder });
    expect([table.position(0), table.historyEnd(0), table.historyEnd(1)]).toEqual([2, 70, undefined]);
    table.clear(0);
    expect(table.historyEnd(0)).toBeUndefined();
    await table.close();
  });

  it('holds no more than its own rows while a partition is cleared', async () => {
    const lock = await tryLock(`${folder}.lock`);
    if (!('release' in lock)) throw new Error('the folder is held');
    const files = await openTableFiles(folder, false);
    const table = new LmdbDocumentTable(files, lock);
    const rowsOf = (partition: number, count: number) =>
      Array.from({ length: count }, (_, at) => ({
        rowId: `${partition} ${at}`,
        origin: { partition, documentId: String(at).padStart(1_000, '0'), chunk: 0 },
      }));
    table.write({ partition: 0, position: 1, rows: rowsOf(0, 10) });
    table.write({ partition: 1, position: 1, rows: rowsOf(1, 10_000) });
    const held = (): number => {
      collectGarbage();
      return process.memoryUsage().heapUsed / 1e6;
    };
    const { origins } = files;
    const range = origins.getRange.bind(origins);
    let grown = Number.NaN;
    origins.getRange = (() =>
      (function* () {
        const before = held();
        yield* range();
        grown = held() - before;
      })()) as unknown as typeof range;
    table.clear(0);
    expect(grown).toBeLessThan(3);
    expect(table.origin('0 3')).toBeUndefined();
    expect([...table.staleRows()].length).toBe(10);
    expect(table.origin('1 3')).toMatchObject({ partition: 1 });
    await table.close();
  });

  it('begins empty after it was condemned, and takes no write before', async () => {
    const table = await openLmdbDocumentTable({ folder });
    write(table, 'a/b/1', 1);
    const damage = new FreshetError('index-corrupt', 'a flush failed');
    table.condemn(damage);
    expect(() => write(table, 'a/b/2', 2)).toThrow(damage);
    expect(table.position(0)).toBe(2);
    await expect(table.close()).rejects.toThrow(damage);
    const again = await openLmdbDocumentTable({ folder });
    expect([again.fresh, again.position(0)]).toEqual(['torn', undefined]);
    await again.close();
  });

  it('is not closed under a flush, though it was condemned meanwhile', async () => {
    const lock = await tryLock(`${folder}.lock`);
    if (!('release' in lock)) throw new Error('the folder is held');
    const files = await openTableFiles(folder, false);
    const root = files.root as unknown as { status: string; sync(done: (error: unknown) => void): void };
    const sync = root.sync.bind(root);
    const flushed: string[] = [];
    root.sync = (done) => {
      flushed.push('begun');
      setTimeout(() => {
        flushed.push(root.status);
        sync(done);
      }, 20);
    };
    const table = new LmdbDocumentTable(files, lock);
    write(table, 'a/b/1', 1);
    const damage = new FreshetError('index-corrupt', 'a record fails its checksum');
    const flush = table.flushed();
    await new Promise((resolve) => setImmediate(resolve));
    expect(flushed).toEqual(['begun']);
    table.forgetStaleRows(['01']);
    table.condemn(damage);
    const ended = await Promise.allSettled([table.close(), flush]);
    expect(ended).toEqual(Array(2).fill({ status: 'rejected', reason: damage }));
    expect(flushed).toEqual(['begun', 'open']);
  });

  it('gives out vectors that are safe to keep while everything around them is written again', async () => {
    const table = await openLmdbDocumentTable({ folder });
    for (let number = 0; number < 50; number += 1) write(table, `a/b/${number}`, number);
    const kept = table.get(0, 'a/b/7')?.record.chunks[0]?.vector;
    const before = Uint8Array.from(kept ?? []);
    const listed = documentsIn(table, 0).map(({ record }) => record.chunks[0]?.vector);
    for (let round = 0; round < 20; round += 1) {
      for (let number = 0; number < 50; number += 1) write(table, `a/b/${number}`, 1_000 + round);
      table.get(0, `a/b/${round}`);
    }
    await table.close();
    expect(before.length).toBe(384 * 4);
    expect(Uint8Array.from(kept ?? [])).toEqual(before);
    for (const one of listed) expect(Uint8Array.from(one ?? [])).toEqual(before);
  });

  it('lists by prefix in id order, tables and sources apart, whatever the keys contain', async () => {
    const table = await openLmdbDocumentTable({ folder });
    const keys = ['1', '10', '2', '%', '%25', "o'neil", '../x', 'é', '鍵', ' ', 'a,b', 'x'.repeat(700)];
    const ids = keys.map((id) => documentIdOf('help', 'public.articles', { id }));
    const others = [
      documentIdOf('help', 'public.articles2', { id: 1 }),
      documentIdOf('help2', 'public.articles', { id: 1 }),
    ];
    for (const [offset, id] of [...ids, ...others].entries()) write(table, id, offset);
    table.write({ partition: 1, position: 1, documents: [storedDocument('help/public.articles/other', 0)] });
    const listed = documentsIn(table, 0, 'help/public.articles/').map(({ record }) => record.documentId);
    expect(listed).toEqual(ids.toSorted());
    await table.close();
  });

  it('may forget stale rows while they are listed', async () => {
    const table = await openLmdbDocumentTable({ folder });
    table.write({ partition: 0, position: 99, staleRows: STALE });
    expect([...table.staleRows()]).toEqual(STALE);
    for (const { id: rowId } of table.staleRows()) table.forgetStaleRows([rowId]);
    expect([...table.staleRows()]).toEqual([]);
    await table.close();
  });

  it('writes all or nothing: a record that fits no schema leaves the table as it was', async () => {
    const table = await openLmdbDocumentTable({ folder });
    write(table, 'a/1', 1);
    const wrong = storedDocument('a/2', 2, { title: undefined as unknown as string });
    const documents = [storedDocument('a/3', 3), wrong];
    expect(() => table.write({ partition: 0, position: 50, documents, staleRows: STALE })).toThrow();
    expect(table.position(0)).toBe(2);
    expect(table.get(0, 'a/3')).toBeUndefined();
    expect([...table.staleRows()]).toEqual([]);
    await table.close();
  });

  it('begins empty, and says why, when its files cannot be trusted', async () => {
    const began = async (discard = false) => {
      const table = await openLmdbDocumentTable({ folder, discard });
      const reason = table.fresh;
      if (reason !== undefined) {
        expect(table.position(0)).toBeUndefined();
        expect(documentsIn(table, 0)).toEqual([]);
      }
      for (let number = 0; number < 300; number += 1) write(table, `a/${number}`, number);
      await table.close();
      return reason;
    };
    const file = join(folder, 'table.mdb');
    expect(await began()).toBe('new');
    expect(await began()).toBeUndefined();
    expect(await began(true)).toBe('asked');
    truncateSync(file, statSync(file).size - 4_096);
    expect(await began()).toBe('cut-short');
    truncateSync(file, 100);
    expect(await began()).toBe('cut-short');
    writeFileSync(join(folder, 'table.state'), 'dirty another-boot\n');
    expect(await began()).toBe('torn');
    const root = open<unknown, Buffer>({ path: file, noSync: true, encoding: 'json', keyEncoding: 'binary' });
    root
      .openDB<unknown, Buffer>('format', { encoding: 'json', keyEncoding: 'binary' })
      .putSync(Buffer.from('format'), 'other');
    await root.close();
    expect(await began()).toBe('other-format');
    expect(await began()).toBeUndefined();
  });

  it('says index-corrupt for a record whose checksum fails', async () => {
    const table = await openLmdbDocumentTable({ folder });
    write(table, 'a/1', 1);
    await table.close();
    const root = open<unknown, Buffer>({
      path: join(folder, 'table.mdb'),
      noSync: true,
      encoding: 'json',
      keyEncoding: 'binary',
    });
    const records = root.openDB<Buffer, Buffer>('records', { encoding: 'binary', keyEncoding: 'binary' });
    for (const { key, value } of [...records.getRange()]) {
      value[40] = (value[40] ?? 0) ^ 1;
      records.putSync(key, value);
    }
    await root.close();
    const again = await openLmdbDocumentTable({ folder });
    expect(() => again.get(0, 'a/1')).toThrowError(expect.objectContaining({ code: 'index-corrupt' }));
    await again.close();
  });

  it('doesn’t grow while the same documents are written again and again', async () => {
    const table = await openLmdbDocumentTable({ folder });
    const file = join(folder, 'table.mdb');
    const round = (number: number): void => {
      for (let batch = 0; batch < 10; batch += 1) {
        const documents = Array.from({ length: 50 }, (_, place) =>
          storedDocument(`a/${batch}/${place}`, number, {}, [vector]),
        );
        table.write({ partition: 0, position: number, documents });
      }
    };
    for (let number = 0; number < 3; number += 1) round(number);
    const before = statSync(file).size;
    for (let number = 3; number < 25; number += 1) round(number);
    expect(statSync(file).size).toBeLessThan(before * 1.5);
    await table.close();
  });

  it('26: says disk-full, keeps what it acknowledged, and goes on when space is back', async (context) => {
    const disk = mountSmallDisk(40);
    if (disk === undefined) return context.skip();
    try {
      const place = join(disk.folder, 'table');
      const table = await openLmdbDocumentTable({ folder: place });
      disk.fill(3_000_000);
      const long: Partial<Document> = { text: 'y'.repeat(20_000) };
      let acknowledged = 0;
      const next = (): void => {
        const documents = [storedDocument(`a/${acknowledged}`, acknowledged, long, [vector])];
        table.write({ partition: 0, position: acknowledged + 1, documents });
        acknowledged += 1;
      };
      expect(() => {
        for (;;) next();
      }).toThrowError(expect.objectContaining({ code: 'disk-full' }));
      expect(acknowledged).toBeGreaterThan(20);
      expect(table.count(0).documents).toBe(acknowledged);
      expect(table.position(0)).toBe(acknowledged);
      disk.empty();
      next();
      await table.close();
      const again = await openLmdbDocumentTable({ folder: place });
      expect(again.fresh).toBeUndefined();
      expect(documentsIn(again, 0)).toHaveLength(acknowledged);
      await again.close();
    } finally {
      disk.unmount();
    }
  });
});
