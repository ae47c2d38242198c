/** Rule V: what makes one change newer than another, whatever order, restart or redelivery brings them in. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { postgresChangePosition } from '../../connectors/sources/postgres/postgres-position.ts';
import type { ChangeOrigin } from '../../connectors/sources/source-kind.ts';
import {
  compareVersions,
  isRevision,
  isVersion,
  makeVersion,
  parseVersion,
  repairVersion,
  revisionAfter,
} from '../../schemas/version.ts';

const postgresVersion = (epoch: number, origin: ChangeOrigin) =>
  makeVersion(epoch, postgresChangePosition(origin));

const part = fc.oneof(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), fc.bigInt({ min: 0n, max: 20n }));
const position = fc.oneof(fc.tuple(part, part), fc.tuple(part, part, part)) as fc.Arbitrary<
  [bigint, bigint, ...bigint[]]
>;
const epoch = fc.oneof(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 0, max: 3 }));

const inOrder = (a: readonly (number | bigint)[], b: readonly (number | bigint)[]): number => {
  for (const [at, left] of a.entries()) {
    const right = b[at];
    if (right === undefined) return 1;
    if (left !== right) return left < right ? -1 : 1;
  }
  return a.length < b.length ? -1 : 0;
};

test('text order is version order, epoch first', () => {
  fc.assert(
    fc.property(epoch, position, epoch, position, (epochA, a, epochB, b) => {
      const order = compareVersions(makeVersion(epochA, a), makeVersion(epochB, b));
      expect(Math.sign(order)).toBe(inOrder([epochA, ...a], [epochB, ...b]));
    }),
  );
});

test('a version says its epoch and position again', () => {
  fc.assert(
    fc.property(epoch, position, (number, parts) => {
      const version = makeVersion(number, parts);
      expect(isVersion(version)).toBe(true);
      expect(parseVersion(version)).toEqual({ epoch: number, position: parts });
    }),
  );
});

test('a repair is newer than what it mends and older than every change that is newer than that', () => {
  fc.assert(
    fc.property(epoch, position, epoch, position, fc.integer({ min: 1, max: 4 }), (ea, a, eb, b, times) => {
      const mended = makeVersion(ea, a);
      let repaired = mended;
      for (let time = 0; time < times; time += 1) {
        const before = repaired;
        repaired = repairVersion(repaired);
        expect(compareVersions(repaired, before)).toBe(1);
        expect(isVersion(repaired)).toBe(true);
      }
      // Positions of one source are all of one length.
      fc.pre(a.length === b.length);
      const other = makeVersion(eb, b);
      if (compareVersions(other, mended) > 0) expect(compareVersions(other, repaired)).toBe(1);
      else expect(compareVersions(other, repaired)).toBe(-1);
    }),
  );
});

test('a change taken through again is told apart from a repair, and both go on from each other', () => {
  fc.assert(
    fc.property(
      epoch,
      position,
      fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }),
      (number, parts, steps) => {
        let version = makeVersion(number, parts);
        fc.pre(!isRevision(version));
        for (const again of steps) {
          const before = version;
          version = again ? revisionAfter(version) : repairVersion(version);
          expect(compareVersions(version, before)).toBe(1);
          expect(isVersion(version)).toBe(true);
          if (again) expect(isRevision(version)).toBe(true);
        }
      },
    ),
  );
});

test('what is no version is refused', () => {
  expect(() => makeVersion(-1, [0n, 0n])).toThrow(RangeError);
  expect(() => makeVersion(2 ** 32, [0n, 0n])).toThrow(RangeError);
  expect(() => makeVersion(1.5, [0n, 0n])).toThrow(RangeError);
  expect(() => makeVersion(1, [0n, -1n])).toThrow(RangeError);
  expect(() => makeVersion(1, [0n, 2n ** 64n])).toThrow(RangeError);
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(() => parseVersion(text)).toThrow(RangeError);
    }),
  );
});

/**
 * A database in which transactions overlap: each writes rows at rising log positions and commits at one. Debezium streams
 * them in order of commit, each with the end of the commit before it; a snapshot reads what was committed at its position.
 */
interface Write {
  readonly row: number;
  readonly transaction: number;
  readonly lsn: bigint;
}
const databases = fc
  .array(fc.record({ row: fc.nat(3), transaction: fc.nat(4) }), { minLength: 1, maxLength: 14 })
  .chain((planned) => {
    const transactions = [...new Set(planned.map((each) => each.transaction))];
    return fc.record({
      writes: fc.constant(planned.map((each, at): Write => ({ ...each, lsn: BigInt(1_000 + at * 10) }))),
      commitOrder: fc.shuffledSubarray(transactions, {
        minLength: transactions.length,
        maxLength: transactions.length,
      }),
      /** How many transactions were committed when the snapshot was taken. */
      snapshotAfter: fc.nat(transactions.length),
    });
  });

test('the last commit of a row has its highest version, whichever transaction wrote first; a snapshot read is older than anything streamed', () => {
  fc.assert(
    fc.property(databases, ({ writes, commitOrder, snapshotAfter }) => {
      const end = 5_000n;
      const newest = new Map<number, { version: string; transaction: number; lsn: bigint }>();
      const deliver = (row: number, version: string, transaction: number, lsn: bigint): void => {
        const held = newest.get(row);
        if (!held || compareVersions(version, held.version) > 0)
          newest.set(row, { version, transaction, lsn });
      };
      // Streamed first, the snapshot's reads last: order of arrival must not matter.
      for (const [at, transaction] of commitOrder.entries()) {
        if (at < snapshotAfter) continue;
        const before = at === 0 ? null : end + BigInt(at);
        for (const write of writes.filter((each) => each.transaction === transaction)) {
          const sequence = JSON.stringify([before === null ? null : String(before), String(write.lsn)]);
          deliver(
            write.row,
            postgresVersion(1, { snapshot: 'false', sequence, lsn: write.lsn }),
            transaction,
            write.lsn,
          );
        }
      }
      const lastOf = (row: number, transactions: readonly number[]): Write | undefined =>
        transactions
          .map((transaction) =>
            writes.filter((each) => each.row === row && each.transaction === transaction).at(-1),
          )
          .filter((each) => each !== undefined)
          .at(-1);
      for (const row of new Set(writes.map((each) => each.row))) {
        const read = lastOf(row, commitOrder.slice(0, snapshotAfter));
        const snapshot = { snapshot: 'true', sequence: JSON.stringify([null, '99999']), lsn: 99_999n };
        if (read) deliver(row, postgresVersion(1, snapshot), read.transaction, read.lsn);
        const truth = lastOf(row, commitOrder);
        expect(newest.get(row)?.transaction).toBe(truth?.transaction);
        expect(newest.get(row)?.lsn).toBe(truth?.lsn);
      }
    }),
  );
});

test('a change written before the snapshot and committed after it is newer than the read of it', () => {
  const read = postgresVersion(1, { snapshot: 'last', sequence: '[null,"5000"]', lsn: 5_000n });
  const streamed = postgresVersion(1, { snapshot: 'false', sequence: '[null,"4000"]', lsn: 4_000n });
  expect(compareVersions(streamed, read)).toBeGreaterThan(0);
});

test('a higher epoch wins over any position: a restored source starts lower', () => {
  const before = postgresVersion(1, { snapshot: 'false', sequence: '["900000","900001"]', lsn: 900_001n });
  const after = postgresVersion(2, { snapshot: 'first', sequence: null, lsn: 10n });
  expect(compareVersions(after, before)).toBeGreaterThan(0);
});
