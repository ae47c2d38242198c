/** Rule V for MariaDB: the binlog is the order of commits, and a read of the snapshot is older than anything streamed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  acknowledgedBinlogPosition,
  mariadbChangePosition,
  parseBinlogPosition,
} from '../../../connectors/sources/mariadb/mariadb-position.ts';
import { mariadbLoss } from '../../../connectors/sources/mariadb/observe-mariadb.ts';
import { compareVersions, makeVersion } from '../../../schemas/version.ts';

const place = fc.record({
  file: fc.integer({ min: 1, max: 2_000_000 }),
  pos: fc.integer({ min: 4 }),
  row: fc.nat(50),
});
const nameOf = (file: number): string => `mysql-bin.${String(file).padStart(6, '0')}`;
const versionOf = ({ file, pos, row }: { file: number; pos: number; row: number }, snapshot: string | null) =>
  makeVersion(1, mariadbChangePosition({ file: nameOf(file), pos: BigInt(pos), row, snapshot }));

test('streamed changes are ordered by file number, position and row, however the name is padded', () => {
  fc.assert(
    fc.property(place, place, (a, b) => {
      const truth = a.file - b.file || a.pos - b.pos || a.row - b.row;
      expect(Math.sign(compareVersions(versionOf(a, 'false'), versionOf(b, null)))).toBe(Math.sign(truth));
    }),
  );
});

test('whatever the snapshot read is older than whatever was streamed, redelivered or not', () => {
  fc.assert(
    fc.property(
      place,
      place,
      fc.constantFrom('true', 'first', 'last', 'first_in_data_collection'),
      (read, change, how) => {
        expect(compareVersions(versionOf(read, how), versionOf(change, 'false'))).toBeLessThan(0);
      },
    ),
  );
});

test('an incremental read has its place in the stream', () => {
  const read = versionOf({ file: 3, pos: 500, row: 0 }, 'incremental');
  expect(compareVersions(versionOf({ file: 3, pos: 499, row: 9 }, 'false'), read)).toBeLessThan(0);
  expect(compareVersions(versionOf({ file: 3, pos: 501, row: 0 }, 'false'), read)).toBeGreaterThan(0);
});

test('a change that says no position is unreadable, not equal to another one', () => {
  expect(() => mariadbChangePosition({ file: 'binlog.000001', pos: 0n, snapshot: 'false' })).toThrow(
    RangeError,
  );
  expect(() => mariadbChangePosition({ file: 'binlog.000001', snapshot: 'false' })).toThrow(RangeError);
  expect(() => mariadbChangePosition({ file: null, pos: 5n, snapshot: 'false' })).toThrow(RangeError);
});

test('positions as text', () => {
  expect(parseBinlogPosition('binlog.000012:4711')).toEqual([12n, 4711n]);
  expect(parseBinlogPosition('some.host-bin.1000000:4')).toEqual([1_000_000n, 4n]);
  for (const text of ['', '0/16B3748', 'binlog:4', 'binlog.000001', 'binlog.000001:x', 'a b.000001:4'])
    expect(() => parseBinlogPosition(text)).toThrow(expect.objectContaining({ code: 'request-invalid' }));
});

test('what Kafka acknowledged is unknown while the snapshot runs', () => {
  const offset = { file: 'binlog.000003', pos: 344n, row: 0n, event: 0n };
  const partition = { server: 'shop' };
  expect(acknowledgedBinlogPosition({ partition, offset })).toBe('binlog.000003:344');
  expect(
    acknowledgedBinlogPosition({ partition, offset: { ...offset, snapshot: 'INITIAL' } }),
  ).toBeUndefined();
  expect(acknowledgedBinlogPosition({ partition, offset: { ...offset, snapshot: true } })).toBeUndefined();
  expect(acknowledgedBinlogPosition({ partition, offset: null })).toBeUndefined();
});

test('what is lost shows between the log and what was read of it', () => {
  const observed = {
    identity: 'a',
    heldFrom: 'b.000003:4',
    discarded: false,
    end: 'b.000007:900',
    retainedBytes: null,
  };
  const reached = (file: number, pos: number) => ({
    partition: {},
    offset: { file: `b.${String(file).padStart(6, '0')}`, pos: BigInt(pos) },
  });
  expect(mariadbLoss(observed, undefined)).toBeUndefined();
  expect(mariadbLoss(observed, reached(3, 4))).toBeUndefined();
  expect(mariadbLoss(observed, reached(7, 900))).toBeUndefined();
  expect(mariadbLoss(observed, reached(2, 5_000))).toBe('place-discarded');
  expect(mariadbLoss(observed, reached(7, 901))).toBe('database-restored');
  expect(mariadbLoss({ ...observed, heldFrom: 'b.000001:4', end: 'b.000001:344' }, reached(7, 4))).toBe(
    'database-restored',
  );
  expect(mariadbLoss({ ...observed, heldFrom: undefined }, reached(7, 4))).toBe('place-missing');
});
