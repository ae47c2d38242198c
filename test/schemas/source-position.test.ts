import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatLsn } from '../../connectors/sources/postgres/postgres-position.ts';
import { bytesBetween, comparePositions, positionOrder } from '../../schemas/source-position.ts';

const LSN = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

test('LSNs are ordered as numbers, whatever their length', () => {
  fc.assert(
    fc.property(LSN, LSN, (a, b) => {
      expect(Math.sign(comparePositions(formatLsn(a), formatLsn(b)) ?? Number.NaN)).toBe(
        a < b ? -1 : a > b ? 1 : 0,
      );
    }),
  );
  expect(comparePositions('0/9', '0/A')).toBeLessThan(0);
  expect(comparePositions('1/0', '0/FFFFFFFF')).toBeGreaterThan(0);
  expect(bytesBetween('0/FFFFFFF0', '1/10')).toBe(32);
  expect(bytesBetween('1/10', '0/10')).toBe(0);
});

test('binlog positions are ordered by the number of the file, then the place in it', () => {
  expect(comparePositions('bin.000009:500', 'bin.000010:4')).toBeLessThan(0);
  expect(comparePositions('bin.000009:500', 'bin.000009:4')).toBeGreaterThan(0);
  expect(bytesBetween('bin.000009:4', 'bin.000009:500')).toBe(496);
  expect(bytesBetween('bin.000009:4', 'bin.000010:500')).toBeUndefined();
});

test.each(['', '0', 'G/1', '0/123456789', 'bin:4', 'bin.1:', 'a b.1:2', '0/1; drop', '-1/0'])(
  '%j is no position',
  (text) => {
    expect(positionOrder(text)).toBeUndefined();
  },
);

test('positions of different kinds are not compared', () => {
  expect(comparePositions('0/1', 'bin.1:1')).toBeUndefined();
  expect(bytesBetween('0/1', 'bin.1:1')).toBeUndefined();
});
