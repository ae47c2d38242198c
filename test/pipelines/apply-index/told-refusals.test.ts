/** What a fresh-after read is told of rows that gates refused: always of the row that was written, however many others were. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RefusedStanding } from '../../../connectors/document-table/document-table.ts';
import { isBehind, toldRefusals } from '../../../pipelines/apply-index/told-refusals.ts';
import { makeVersion } from '../../../schemas/version.ts';

/** A change of Postgres: the commit before it, and its own LSN. */
const versionAt = (before: number, lsn: number): string => makeVersion(1, [BigInt(before), BigInt(lsn)]);
const refusedAt = (documentId: string, version: string, table = 'public.a'): RefusedStanding => ({
  ...{ documentId, table, version },
  reason: 'secrets: token',
});
const newestFirst = (refusals: readonly RefusedStanding[]) =>
  refusals.toSorted((a, b) => (a.version < b.version ? 1 : -1));
const idsOf = (told: ReturnType<typeof toldRefusals>) => told.refused.map(({ documentId }) => documentId);

test('a row that was refused before a position is told, whatever was refused behind it', () => {
  const others = Array.from({ length: 300 }, (_, at) =>
    refusedAt(`other-${at}`, versionAt(0x200 + at, 0x210 + at)),
  );
  const told = toldRefusals(newestFirst([...others, refusedAt('mine', versionAt(0x100, 0x110))]), '0/120');
  expect(idsOf(told)).toContain('mine');
  // Its row may have been refused again since, so those behind the position are told too, each of them.
  expect(told.refused).toHaveLength(301);
  expect(told.more).toBe(false);
  expect(told.refused[0]).toEqual({
    ...{ documentId: 'other-299', version: versionAt(0x200 + 299, 0x210 + 299) },
    ...{ gate: 'secrets', reason: 'token' },
  });
});

test('of a transaction that began before the position and ended behind it, no row pushes out the one that was written', () => {
  // What it wrote stands behind the position, though no commit lies between it and the row.
  const others = Array.from({ length: 50 }, (_, at) =>
    refusedAt(`other-${at}`, versionAt(0x118, 0x130 + at)),
  );
  const told = toldRefusals(newestFirst([...others, refusedAt('mine', versionAt(0x100, 0x110))]), '0/120');
  expect(idsOf(told)).toContain('mine');
});

test('it is bounded on both sides, and says where there are more', () => {
  const before = Array.from({ length: 100 }, (_, at) => refusedAt(`b${at}`, versionAt(at + 1, at + 1)));
  const told = toldRefusals(newestFirst(before), '0/1000');
  expect(idsOf(told)).toEqual(Array.from({ length: 20 }, (_, at) => `b${99 - at}`));
  expect(told.more).toBe(true);
  const flood = Array.from({ length: 3_000 }, (_, at) =>
    refusedAt(`f${at}`, versionAt(0x2000 + at, 0x2000 + at)),
  );
  const both = toldRefusals(newestFirst([...flood, ...before]), '0/1000');
  expect(both.refused).toHaveLength(1_020);
  expect(both).toMatchObject({ more: true });
  expect(idsOf(both)).toContain('b99');
  expect(toldRefusals(newestFirst(before.slice(0, 20)), '0/1000').more).toBe(false);
});

test("a flood of another table's is not read to its end", () => {
  let read = 0;
  const others = function* () {
    for (; ; read += 1) yield refusedAt(`o${read}`, versionAt(1_000_000 - read, 1_000_000), 'public.b');
  };
  const told = toldRefusals(others(), '0/1000', { table: 'public.a' });
  expect(told).toEqual({ refused: [], more: true });
  expect(read).toBe(5_000);
});

test('a filter by a table leaves out what other tables had refused', () => {
  const refusals = newestFirst([
    ...Array.from({ length: 40 }, (_, at) =>
      refusedAt(`o${at}`, versionAt(0x10 + at, 0x10 + at), 'public.b'),
    ),
    refusedAt('mine', versionAt(1, 1)),
  ]);
  expect(idsOf(toldRefusals(refusals, '0/1000'))).not.toContain('mine');
  expect(idsOf(toldRefusals(refusals, '0/1000', { table: 'public.a' }))).toEqual(['mine']);
});

test('behind a position is what came after it in the log of either kind of source; a read of a snapshot never is', () => {
  expect(isBehind(versionAt(0x120, 0x128), '0/120')).toBe(true);
  expect(isBehind(versionAt(0x118, 0x128), '0/120')).toBe(true);
  expect(isBehind(versionAt(0x118, 0x120), '0/120')).toBe(false);
  expect(isBehind(makeVersion(1, [0n, 0x500n]), '0/120')).toBe(false);
  const binlog = (file: bigint, at: bigint) => makeVersion(2, [file, at, 0n]);
  expect(isBehind(binlog(7n, 4_712n), 'bin.000007:4711')).toBe(true);
  expect(isBehind(binlog(8n, 4n), 'bin.000007:4711')).toBe(true);
  expect(isBehind(binlog(7n, 4_711n), 'bin.000007:4711')).toBe(false);
  expect(isBehind(makeVersion(2, [0n, 9n, 9n]), 'bin.000007:4711')).toBe(false);
});

test('of any refusals, all behind the position and the newest before it are told, in order', () => {
  const lsn = fc.integer({ min: 1, max: 400 });
  fc.assert(
    fc.property(fc.uniqueArray(lsn, { maxLength: 120 }), lsn, (places, position) => {
      const refusals = newestFirst(places.map((at) => refusedAt(String(at), versionAt(at, at + 1))));
      const told = toldRefusals(refusals, `0/${position.toString(16)}`);
      const sorted = places.toSorted((a, b) => b - a);
      const behind = sorted.filter((at) => at >= position);
      const before = sorted.filter((at) => at < position);
      expect(idsOf(told)).toEqual([...behind, ...before.slice(0, 20)].map(String));
      expect(told.more).toBe(before.length > 20);
    }),
  );
});
