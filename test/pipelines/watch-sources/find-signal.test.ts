/** A table counts as read by its own snapshot only when rows of it were read: its own changes say nothing of that. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Change } from '../../../connectors/debezium/change.ts';
import { isReadSince } from '../../../pipelines/watch-sources/find-signal.ts';
import { makeVersion } from '../../../schemas/version.ts';

const SIGNAL = 50n;
const at = (lsn: bigint) => makeVersion(1, [lsn, 0n]);
const facts = (lsn: bigint) => ({ table: 'public.busy', version: at(lsn), committedAt: 1, capturedAt: 1 });
const upsert = (lsn: bigint, read: boolean): Change => ({
  ...{ kind: 'upsert', key: { id: 1 }, row: {}, read, unavailable: [], ...facts(lsn) },
});

const streamed: fc.Arbitrary<Change> = fc
  .bigInt({ min: 0n, max: 100n })
  .chain((lsn) =>
    fc.constantFrom<Change>(
      upsert(lsn, false),
      { kind: 'delete', key: { id: 1 }, ...facts(lsn) },
      { kind: 'truncate', ...facts(lsn) },
    ),
  );

test('what is streamed of a busy table never tells that its snapshot began', () => {
  fc.assert(
    fc.property(fc.array(streamed), (changes) => {
      expect(changes.some((change) => isReadSince(change, 'public.busy', at(SIGNAL)))).toBe(false);
    }),
  );
});

test('a row read at or after the signal does, one of an earlier snapshot or another table does not', () => {
  expect(isReadSince(upsert(SIGNAL, true), 'public.busy', at(SIGNAL))).toBe(true);
  expect(isReadSince(upsert(60n, true), 'public.busy', at(SIGNAL))).toBe(true);
  expect(isReadSince(upsert(49n, true), 'public.busy', at(SIGNAL))).toBe(false);
  expect(isReadSince(upsert(60n, true), 'public.quiet', at(SIGNAL))).toBe(false);
});
